import type { Clock } from '../../kernel/clock.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { RelationChange } from '../../twin/ports.ts';
import { decodeRelation } from '../events/index.ts';
import type { KafkaClient, KafkaFollower, KafkaRecord } from './client.ts';

export interface JournalReaderOptions {
  readonly client: Pick<KafkaClient, 'follow'>;
  readonly topic: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
  readonly onArrival: () => void;
}

interface Entry {
  readonly offset: number;
  readonly change: RelationChange;
}

/** A record that cannot be read; nothing after it is given out. */
interface Unreadable {
  readonly offset: number;
  readonly error: unknown;
}

/** So many entries are held for who reads; then fetching waits. */
const HELD_MAX = 4 * LIMITS.relationChangesMax;

/** Reads by offset, on a client that hands records over as they come. */
export class JournalReader {
  readonly #options: JournalReaderOptions;
  #follower: KafkaFollower | undefined;
  /** Everything from here on is held, or still to come. */
  #from = 0;
  /** Where the last read began: what stands before it goes when room is needed. */
  #position = 0;
  #held: (Entry | Unreadable)[] = [];
  #arrived = Promise.withResolvers<void>();
  #room = Promise.withResolvers<void>();

  constructor(options: JournalReaderOptions) {
    this.#options = options;
  }

  /**
   * @throws when the broker does not answer in time; when the first record from there on cannot be
   *   read: it is not left out, since it may be a revocation
   */
  async read(offset: number, limit: number): Promise<Entry[]> {
    const follower = await this.#followFrom(offset);
    const wanted = (): readonly (Entry | Unreadable)[] =>
      this.#held.filter((one) => one.offset >= offset);
    if (wanted().length === 0) await this.#waitFor(follower);
    const readable: Entry[] = [];
    for (const one of wanted().slice(0, limit)) {
      if ('error' in one && readable.length === 0) {
        const says = `offset ${one.offset} of the journal of relations cannot be read`;
        throw new Error(says, { cause: one.error });
      }
      if ('error' in one) break;
      readable.push(one);
    }
    return readable;
  }

  async stop(): Promise<void> {
    const follower = this.#follower;
    this.#follower = undefined;
    this.#held = [];
    this.#makeRoom();
    await follower?.stop();
  }

  async #followFrom(offset: number): Promise<KafkaFollower> {
    if (this.#follower !== undefined && offset >= this.#from) {
      this.#position = offset;
      this.#makeRoom();
      return this.#follower;
    }
    await this.stop();
    const { client, topic, onTrouble } = this.#options;
    this.#from = offset;
    this.#position = offset;
    const follower: KafkaFollower = client.follow({
      from: [{ topic, partition: 0, offset }],
      onRecords: (records) => this.#take(records, () => this.#follower === follower),
      onTrouble,
    });
    this.#follower = follower;
    await follower.start();
    return follower;
  }

  async #take(records: readonly KafkaRecord[], current: () => boolean): Promise<void> {
    while (current() && this.#isFull()) await this.#room.promise;
    if (!current()) return;
    for (const record of records) {
      if (record.offset >= this.#from) this.#held.push(entryOf(record));
    }
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers<void>();
    this.#options.onArrival();
  }

  #isFull(): boolean {
    if (this.#held.length < HELD_MAX) return false;
    this.#held = this.#held.filter((entry) => entry.offset >= this.#position);
    this.#from = this.#position;
    return this.#held.length >= HELD_MAX;
  }

  /** Until something has come, or there is nothing; bounded, since a broker may be away. */
  async #waitFor(follower: KafkaFollower): Promise<void> {
    const { clock } = this.#options;
    const late = Promise.withResolvers<never>();
    const timer = clock.after(LIMITS.relationsCommitTimeoutMs, () =>
      late.reject(new Error('the journal of relations does not answer')),
    );
    try {
      await Promise.race([follower.caughtUp(), this.#arrived.promise, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers<void>();
  }
}

function entryOf(record: KafkaRecord): Entry | Unreadable {
  try {
    return { offset: record.offset, change: decodeRelation(record).change };
  } catch (error) {
    return { offset: record.offset, error };
  }
}
