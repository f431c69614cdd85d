import type { Clock } from '../../kernel/clock.ts';
import type { AuditTopic, ShippedCheckpoint, ShippedRow } from '../../twin/ports.ts';
import { rowIn } from './body.ts';
import { membersOf } from './record.ts';
import { Repeating } from './repeating.ts';
import type { KeptRow } from './rows.ts';
import type { AuditThread } from './thread.ts';

export interface ShippingOptions {
  readonly clock: Clock;
  readonly thread: Pick<AuditThread, 'call'>;
  readonly topic: Pick<AuditTopic, 'ship'>;
  readonly report: (error: unknown) => void;
  /** After each attempt: rows that the topic does not have yet. */
  readonly onLag: (rows: number) => void;
}

export interface ShippingState {
  /** Rows that are durable here and not known to be in the topic. */
  readonly waiting: number;
  /** Whether the last attempt failed. */
  readonly away: boolean;
}

const ROWS_MAX = 500;
/** Bytes of bodies in one attempt, so that none takes long. */
const BYTES_MAX = 4 * 1024 * 1024;
const IDLE_MS = 1_000;
const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 5_000;
/** At the end, for what has not been shipped yet: the next start goes on. */
const LAST_MS = 2_000;

/**
 * Durable rows to the topic, in order, each at least once: how far it has come is kept after the
 * topic has acknowledged. Nobody ever waits for it.
 */
export class Shipping {
  readonly #options: ShippingOptions;
  readonly #loop: Repeating;
  #backoffMs = BACKOFF_FIRST_MS;
  #state: ShippingState = { waiting: 0, away: false };
  #checkpoint: ShippedCheckpoint | undefined;

  constructor(options: ShippingOptions) {
    this.#options = options;
    this.#loop = new Repeating(options.clock, () => this.#attempt());
  }

  get state(): ShippingState {
    return this.#state;
  }

  start(): void {
    this.#loop.start(() => (this.#state.away ? this.#backoffMs : IDLE_MS));
  }

  /** There are new rows. While the topic is away, its own pauses hold. */
  wake(): void {
    if (!this.#state.away) this.#loop.wake();
  }

  /** To be shipped once the rows before it are; only the newest counts. */
  tell(checkpoint: ShippedCheckpoint): void {
    this.#checkpoint = checkpoint;
    this.wake();
  }

  async stop(): Promise<void> {
    if (this.#loop.stopped) return;
    const { clock } = this.#options;
    const late = Promise.withResolvers<void>();
    const timer = clock.after(LAST_MS, late.resolve);
    const last = this.#loop.stop().then(() => this.#attempt());
    await Promise.race([last, late.promise]);
    timer.cancel();
  }

  async #attempt(): Promise<void> {
    const { report } = this.#options;
    try {
      while (await this.#step()) this.#backoffMs = BACKOFF_FIRST_MS;
      this.#state = { ...this.#state, away: false };
    } catch (error) {
      if (!this.#state.away) report(error);
      this.#backoffMs = this.#state.away
        ? Math.min(this.#backoffMs * 2, BACKOFF_MAX_MS)
        : BACKOFF_FIRST_MS;
      this.#state = { ...this.#state, away: true };
      await this.#count().catch(() => undefined);
    }
  }

  /** One batch of one generation, the oldest first. @returns whether there may be more */
  async #step(): Promise<boolean> {
    const { thread, topic } = this.#options;
    for (const { id: generation } of await thread.call('generations', undefined)) {
      const name = `shipped/${generation}`;
      const shipped = (await thread.call('progress', name)) ?? 0;
      const asked = { generation, index: shipped + 1, limit: ROWS_MAX };
      const rows = bounded(await thread.call('rowsFrom', asked));
      const last = rows.at(-1);
      if (last === undefined) continue;
      await topic.ship(rows.map(shippedRow), []);
      await thread.call('setProgress', { name, value: last.index });
      await this.#count();
      return true;
    }
    await this.#shipCheckpoint();
    return false;
  }

  async #shipCheckpoint(): Promise<void> {
    const checkpoint = this.#checkpoint;
    if (checkpoint === undefined) return;
    await this.#options.topic.ship([], [checkpoint]);
    if (this.#checkpoint === checkpoint) this.#checkpoint = undefined;
  }

  async #count(): Promise<void> {
    const { thread, onLag } = this.#options;
    let waiting = 0;
    for (const { id, size } of await thread.call('sizes', undefined)) {
      waiting += size - ((await thread.call('progress', `shipped/${id}`)) ?? 0);
    }
    this.#state = { ...this.#state, waiting };
    onLag(waiting);
  }
}

function bounded(rows: readonly KeptRow[]): KeptRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ body }, index) => {
    bytes += body.length;
    return index > 0 && bytes > BYTES_MAX;
  });
  return end < 0 ? [...rows] : rows.slice(0, end);
}

function shippedRow({ generation, instance, index, at, hash, body }: KeptRow): ShippedRow {
  const members = membersOf(rowIn(body));
  return { generation, instance, index, at, hash, body, members };
}
