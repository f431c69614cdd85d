import { sleep } from '../../kernel/clock.ts';
import { type FollowOptions, type KafkaAdmin, type KafkaFollower, TriedAgain } from './client.ts';
import { Backoff } from './client-bounds.ts';
import { Fetching } from './client-fetching.ts';
import type { Wire } from './client-wire.ts';

export class Follower implements KafkaFollower {
  readonly #options: FollowOptions;
  readonly #admin: KafkaAdmin;
  readonly #fetching: Fetching;
  #stopped = false;

  constructor(wire: Wire, admin: KafkaAdmin, options: FollowOptions) {
    this.#options = options;
    this.#admin = admin;
    const { onRecords, onTrouble } = options;
    const told = (records: Parameters<typeof onRecords>[0]): Promise<void> => onRecords(records);
    this.#fetching = new Fetching({ wire, admin, onRecords: told, onTrouble, lanes: 'one' });
  }

  async start(): Promise<void> {
    this.#fetching.add(this.#options.from);
    this.#fetching.look();
    if (this.#options.from.length > 0) await this.#fetching.begun;
  }

  async caughtUp(): Promise<void> {
    const ends = await this.#ends();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.#stopped) reject(new Error('the follower was stopped'));
      const behind = this.#fetching
        .readings()
        .some((it) => it.done < (ends.get(it.topic)?.[it.partition] ?? 0));
      if (!behind) resolve();
    };
    const forget = this.#fetching.onProgress(look);
    look();
    try {
      await promise;
    } finally {
      forget();
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#fetching.stop();
  }

  /** Asked for again while the broker is away, as the records are. */
  async #ends(): Promise<Map<string, number[]>> {
    const topics = [...new Set(this.#options.from.map(({ topic }) => topic))];
    const backoff = new Backoff();
    for (;;) {
      try {
        const all = topics.map(async (topic) => [topic, await this.#admin.ends(topic)] as const);
        return new Map(await Promise.all(all));
      } catch (error) {
        if (this.#stopped) throw error;
        this.#options.onTrouble(new TriedAgain('asking where topics end', error));
        await sleep(backoff.next());
      }
    }
  }
}
