import { sleep } from '../../kernel/clock.ts';
import {
  type KafkaAdmin,
  type KafkaRecord,
  type TopicPartition,
  type TopicPlace,
  TriedAgain,
} from './client.ts';
import { keyOf } from './client-batches.ts';
import { atMost, Backoff, BOUNDS } from './client-bounds.ts';
import { Lane, Reading } from './client-reading.ts';
import { type FetchedPartition, OutOfRange, type Wire } from './client-wire.ts';

export interface FetchingOptions {
  readonly wire: Wire;
  readonly admin: KafkaAdmin;
  readonly onRecords: (records: readonly KafkaRecord[]) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  /** One partition's records after another's, or side by side. */
  readonly lanes: 'one' | 'each';
}

/**
 * Reads partitions from given offsets: to each broker one long fetch at a time, for all that it
 * leads.
 */
export class Fetching {
  readonly #options: FetchingOptions;
  readonly #readings = new Map<string, Reading>();
  readonly #asked = new Set<number>();
  readonly #lane = new Lane();
  readonly #backoff = new Backoff();
  readonly #begun = Promise.withResolvers<void>();
  readonly #progress = new Set<() => void>();
  #stopped = false;
  #looking = false;
  #lookAgain = false;

  constructor(options: FetchingOptions) {
    this.#options = options;
  }

  /** Resolves when the first fetch is on its way, or the first trouble was told. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  readings(): Reading[] {
    return [...this.#readings.values()];
  }

  reading(place: { topic: string; partition: number }): Reading | undefined {
    return this.#readings.get(keyOf(place));
  }

  /** Known from now on, and read from `look` on. */
  add(places: readonly TopicPlace[]): void {
    const { lanes, onRecords, onTrouble } = this.#options;
    for (const place of places) {
      const lane = lanes === 'one' ? this.#lane : new Lane();
      const onProgress = (): void => this.#progressed();
      const reading = new Reading({ place, lane, onRecords, onTrouble, onProgress });
      this.#readings.set(keyOf(place), reading);
    }
  }

  /** Resolves once nothing of them is being handed over. */
  async remove(places: readonly { topic: string; partition: number }[]): Promise<void> {
    const ending = places.map(async (place) => {
      const reading = this.#readings.get(keyOf(place));
      this.#readings.delete(keyOf(place));
      await reading?.end();
    });
    await Promise.all(ending);
  }

  onProgress(listener: () => void): () => void {
    this.#progress.add(listener);
    return () => void this.#progress.delete(listener);
  }

  /** Asks every broker that leads something to be read and is not being asked. */
  look(): void {
    if (this.#stopped) return;
    if (this.#looking) this.#lookAgain = true;
    else void this.#lookAround();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#begun.resolve();
    await atMost(BOUNDS.stopMs, this.remove(this.readings()));
    await atMost(BOUNDS.stopMs, this.#options.wire.close());
    this.#progressed();
  }

  #progressed(): void {
    for (const listener of this.#progress) listener();
    this.look();
  }

  async #lookAround(): Promise<void> {
    this.#looking = true;
    try {
      const wanted = this.readings().filter(isWanted);
      if (wanted.length > 0) await this.#askAll(wanted);
    } catch (error) {
      await this.#troubled(error);
      this.#lookAgain = true;
    }
    this.#looking = false;
    if (!this.#lookAgain) return;
    this.#lookAgain = false;
    this.look();
  }

  async #askAll(wanted: readonly Reading[]): Promise<void> {
    const topics = [...new Set(wanted.map(({ topic }) => topic))];
    const leaderOf = await this.#options.wire.leaders(topics);
    for (const [node, readings] of Map.groupBy(wanted, leaderOf)) {
      if (node < 0) throw new Error('a partition has no leader');
      if (this.#asked.has(node)) continue;
      this.#asked.add(node);
      void this.#round(node, readings);
    }
    this.#begun.resolve();
  }

  async #round(node: number, readings: readonly Reading[]): Promise<void> {
    const asked = new Map(readings.map((reading) => [keyOf(reading), reading]));
    const find = (place: TopicPartition): Reading | undefined => {
      const reading = asked.get(keyOf(place));
      // Removed, or given back and taken anew, while the fetch was on its way.
      return reading && this.reading(place) === reading ? reading : undefined;
    };
    const from = readings.map(({ topic, partition, next }) => ({ topic, partition, offset: next }));
    try {
      const bytes = take(await this.#options.wire.fetch(node, from), find);
      this.#backoff.reset();
      if (bytes > 0 && bytes < BOUNDS.fetchLittleBytes) await sleep(BOUNDS.fetchPauseMs);
    } catch (error) {
      await this.#recover(error, find);
    }
    this.#asked.delete(node);
    this.look();
  }

  async #recover(error: unknown, find: Find): Promise<void> {
    if (this.#stopped) return;
    if (!(error instanceof OutOfRange)) return this.#troubled(error);
    try {
      for (const reading of error.partitions.map(find)) if (reading) await this.#toStart(reading);
    } catch (cause) {
      await this.#troubled(cause);
    }
  }

  async #toStart(reading: Reading): Promise<void> {
    const start = (await this.#options.admin.starts(reading.topic))[reading.partition] ?? 0;
    if (start < reading.next) this.#options.onTrouble(new Error('the log ends before its reader'));
    reading.add([], start, 0);
  }

  async #troubled(error: unknown): Promise<void> {
    if (this.#stopped) return;
    this.#options.onTrouble(new TriedAgain('reading', error));
    this.#begun.resolve();
    this.#options.wire.forget();
    await sleep(this.#backoff.next());
  }
}

type Find = (place: TopicPartition) => Reading | undefined;

function isWanted(reading: Reading): boolean {
  return !reading.paused && reading.waitingBytes < BOUNDS.waitingBytesMax;
}

/** Answers how many bytes there were. */
function take(fetched: readonly FetchedPartition[], find: Find): number {
  const all = fetched.reduce((sum, { bytes }) => sum + bytes, 0);
  const silent = all === 0;
  for (const partition of fetched) {
    const reading = find(partition);
    // All that stood between was compacted away: a broker that had any of it would have sent it.
    const next = silent ? Math.max(partition.next, partition.stable) : partition.next;
    if (reading && next > reading.next) reading.add(partition.records, next, partition.bytes);
  }
  return all;
}
