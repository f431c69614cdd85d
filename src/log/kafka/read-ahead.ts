import type { KafkaClient, KafkaFollower, KafkaRecord } from './client.ts';

export interface ReadAheadOptions<T> {
  readonly client: Pick<KafkaClient, 'follow'>;
  /** Its whole name. */
  readonly topic: string;
  readonly partitions: number;
  decode(record: KafkaRecord): T;
  readonly onError: (error: unknown) => void;
}

/** Records held for their reader, of all partitions together; then the topic is read no further. */
const HELD_RECORDS_MAX = 20_000;

interface Held<T> {
  /** The first offset that is held, or would be. */
  from: number;
  /** After the last record that was handed over. */
  next: number;
  readonly records: T[];
}

/**
 * A topic as one reader reads it, a piece at a time and from where it stands: committed records
 * only, read ahead as far as there is room.
 */
export class ReadAhead<T extends { readonly offset: number }> {
  readonly #options: ReadAheadOptions<T>;
  readonly #held: Held<T>[];
  readonly #listeners = new Set<(partitions: readonly number[]) => void>();
  readonly #roomy = new Set<() => void>();
  #count = 0;
  #follower: KafkaFollower | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ReadAheadOptions<T>) {
    this.#options = options;
    this.#held = Array.from({ length: options.partitions }, () => ({
      from: 0,
      next: 0,
      records: [],
    }));
  }

  async startAt(offsets: readonly number[]): Promise<void> {
    await this.#inTurn(() => this.#follow((_, partition) => offsets[partition] ?? 0));
  }

  async read(partition: number, offset: number, limit: number): Promise<T[]> {
    const held = await this.#from(partition, offset);
    if (held === undefined) return [];
    if (held.records.length === 0) await this.#moreOrEnd(partition);
    this.#drop(held, offset);
    return held.records.slice(0, limit);
  }

  /** What has come by now, without a look at the log's end: whatever comes later is told of. */
  async readHeld(partition: number, offset: number, limit: number): Promise<T[]> {
    const held = await this.#from(partition, offset);
    return held?.records.slice(0, limit) ?? [];
  }

  /** What is held from this offset on; read anew where that lies further back. */
  async #from(partition: number, offset: number): Promise<Held<T> | undefined> {
    const held = this.#held[partition];
    if (held === undefined) return undefined;
    await this.#inTurn(async () => {
      if (this.#follower !== undefined && offset >= held.from) return;
      await this.#follow((one) => (one === held ? offset : one.from));
    });
    this.#drop(held, offset);
    return held;
  }

  /** After the last record of each partition, control records left out; unknown before reading. */
  async ends(): Promise<readonly number[] | undefined> {
    if (this.#follower === undefined) return undefined;
    await this.#caughtUp();
    return this.#held.map(({ next }) => next);
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

  async #follow(startOf: (held: Held<T>, partition: number) => number): Promise<void> {
    const { client, topic, onError } = this.#options;
    await this.#stopFollowing();
    const from = this.#held.map((held, partition) => {
      held.from = startOf(held, partition);
      held.next = held.from;
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
    const held = this.#held[partition];
    if (held === undefined) return;
    held.records.push(...records.map(this.#options.decode));
    held.next = (records.at(-1)?.offset ?? -1) + 1;
    this.#count += records.length;
    for (const listener of [...this.#listeners]) listener([partition]);
    if (this.#count <= HELD_RECORDS_MAX) return;
    await new Promise<void>((resolve) => this.#roomy.add(resolve));
  }

  /** What the view has applied is asked for no more. */
  #drop(held: Held<T>, offset: number): void {
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
