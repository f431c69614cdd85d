import type { Clock, Timer } from '../../kernel/clock.ts';
import type { KafkaGroup } from '../kafka/client.ts';
import type { Idempotency } from './idempotency.ts';
import type { Share } from './share.ts';

export interface CommitterParts {
  readonly group: () => Pick<KafkaGroup, 'commit'>;
  readonly idempotency: Idempotency;
  readonly shares: () => Iterable<Share>;
  readonly onRemembered: (ids: readonly string[]) => void;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly onTrouble: (error: unknown) => void;
}

/** Records that end between two commits are committed together, after they are remembered. */
export class Committer {
  readonly #parts: CommitterParts;
  #timer: Timer | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  /** Something has ended. */
  soon(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#parts.clock.after(this.#parts.everyMs, () => {
      this.#timer = undefined;
      void this.flush();
    });
  }

  /** One after the other; what fails is told and tried again with the next. */
  flush(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      try {
        await this.#commit();
      } catch (error) {
        this.#parts.onTrouble(error);
        this.soon();
      }
    });
    return this.#turn;
  }

  /** Of partitions that go: what can be committed, before they are gone. */
  last(shares: readonly Share[]): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      try {
        const places = shares.flatMap((share) => share.due ?? []);
        for (const share of shares) await this.remember(share);
        if (places.length > 0) await this.#parts.group().commit(places);
      } catch (error) {
        this.#parts.onTrouble(error);
      }
    });
    return this.#turn;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Offsets are read before the ids: what ends meanwhile is of the next commit. */
  async #commit(): Promise<void> {
    const shares = [...this.#parts.shares()];
    const due = shares.flatMap((share) => {
      const place = share.due;
      return place === undefined ? [] : [{ share, place }];
    });
    for (const share of shares) await this.remember(share);
    const own = due.filter(({ share }) => share.live);
    if (own.length === 0) return;
    await this.#parts.group().commit(own.map(({ place }) => place));
    for (const { share, place } of own) share.committed(place);
  }

  /** @throws whatever keeps the store from it; then they are remembered with the next try */
  async remember(share: Share): Promise<void> {
    const ids = share.handled;
    if (ids.length === 0) return;
    share.handled = [];
    try {
      await this.#parts.idempotency.remember(ids);
    } catch (error) {
      share.handled = [...ids, ...share.handled];
      throw error;
    }
    this.#parts.onRemembered(ids);
  }
}
