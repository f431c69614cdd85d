import type { EventLog, LogRecord } from '../../twin/ports.ts';
import type { LogIdentity } from '../schema.ts';
import type { KafkaClient, KafkaFollower, KafkaRecord } from './client.ts';

export interface KafkaEventLogOptions {
  readonly client: Pick<KafkaClient, 'admin' | 'follow'>;
  /** Whole name of `twins.sources`. */
  readonly topic: string;
  readonly identity: LogIdentity;
  decode(record: KafkaRecord): LogRecord;
  readonly onError: (error: unknown) => void;
}

export interface KafkaEventLog extends EventLog {
  stop(): Promise<void>;
}

/** Records held for the view, of all partitions together; then the log is read no further. */
const HELD_RECORDS_MAX = 20_000;

interface Held {
  /** The first offset that is held, or would be. */
  from: number;
  readonly records: LogRecord[];
}

/**
 * `twins.sources` as one instance reads it: from where its view stands, committed records only,
 * read ahead as far as there is room.
 */
export function createKafkaEventLog(options: KafkaEventLogOptions): KafkaEventLog {
  return new ReadAhead(options);
}

class ReadAhead implements KafkaEventLog {
  readonly #options: KafkaEventLogOptions;
  readonly #held: Held[];
  readonly #listeners = new Set<(partitions: readonly number[]) => void>();
  readonly #roomy = new Set<() => void>();
  #count = 0;
  #follower: KafkaFollower | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: KafkaEventLogOptions) {
    this.#options = options;
    this.#held = Array.from({ length: options.identity.partitions }, () => ({
      from: 0,
      records: [],
    }));
  }

  get epoch(): string {
    return this.#options.identity.epoch;
  }

  get partitions(): number {
    return this.#options.identity.partitions;
  }

  async startAt(offsets: readonly number[]): Promise<void> {
    await this.#inTurn(() => this.#follow((_, partition) => offsets[partition] ?? 0));
  }

  async read(partition: number, offset: number, limit: number): Promise<LogRecord[]> {
    const held = this.#held[partition];
    if (held === undefined) return [];
    await this.#inTurn(async () => {
      if (this.#follower !== undefined && offset >= held.from) return;
      await this.#follow((one) => (one === held ? offset : one.from));
    });
    this.#drop(held, offset);
    if (held.records.length === 0) await this.#moreOrEnd(partition);
    this.#drop(held, offset);
    return held.records.slice(0, limit);
  }

  ends(): Promise<number[]> {
    const { client, topic } = this.#options;
    return client.admin.ends(topic);
  }

  onAppend(listener: (partitions: readonly number[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    await this.#inTurn(() => this.#stopFollowing());
  }

  /** Several partitions are read side by side, and there is one follower for all. */
  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #follow(startOf: (held: Held, partition: number) => number): Promise<void> {
    const { client, topic, onError } = this.#options;
    await this.#stopFollowing();
    const from = this.#held.map((held, partition) => {
      held.from = startOf(held, partition);
      held.records.length = 0;
      return { topic, partition, offset: held.from };
    });
    this.#count = 0;
    this.#follower = client.follow({
      from,
      onRecords: (records) => this.#hold(records),
      onTrouble: onError,
    });
    await this.#follower.start();
  }

  async #stopFollowing(): Promise<void> {
    const ending = this.#follower;
    this.#follower = undefined;
    this.#makeRoom();
    await ending?.stop();
  }

  /** Nothing is held: the partition ends here once all that was committed has been handed over. */
  async #moreOrEnd(partition: number): Promise<void> {
    const arrived = Promise.withResolvers<void>();
    const unlisten = this.onAppend((grown) => {
      if (grown.includes(partition)) arrived.resolve();
    });
    try {
      await Promise.race([this.#caughtUp(), arrived.promise]);
    } finally {
      unlisten();
    }
  }

  async #caughtUp(): Promise<void> {
    const follower = this.#follower;
    try {
      await follower?.caughtUp();
    } catch (error) {
      await this.#turn;
      if (this.#follower === follower) throw error;
      // Read anew meanwhile, from further back.
      await this.#caughtUp();
    }
  }

  async #hold(records: readonly KafkaRecord[]): Promise<void> {
    const partition = records[0]?.partition ?? 0;
    this.#held[partition]?.records.push(...records.map(this.#options.decode));
    this.#count += records.length;
    for (const listener of [...this.#listeners]) listener([partition]);
    if (this.#count <= HELD_RECORDS_MAX) return;
    await new Promise<void>((resolve) => this.#roomy.add(resolve));
  }

  /** What the view has applied is asked for no more. */
  #drop(held: Held, offset: number): void {
    const { records } = held;
    held.from = Math.max(held.from, offset);
    let applied = 0;
    while ((records[applied]?.offset ?? offset) < offset) applied += 1;
    if (applied === 0) return;
    records.splice(0, applied);
    this.#count -= applied;
    if (this.#count <= HELD_RECORDS_MAX) this.#makeRoom();
  }

  #makeRoom(): void {
    for (const resolve of this.#roomy) resolve();
    this.#roomy.clear();
  }
}
