import { randomUUID } from 'node:crypto';
import { Consumer, FetchIsolationLevels, type fetchV17 } from '@platformatic/kafka';
import { sleep } from '../../kernel/clock.ts';
import type { KafkaAdmin, KafkaConnection, KafkaRecord, TopicPlace } from './client.ts';
import { keyOf } from './client-batches.ts';
import { atMost, Backoff, BOUNDS } from './client-bounds.ts';
import { guarded, optionsOf } from './platformatic-options.ts';
import { committedOf } from './platformatic-records.ts';
import { Lane, Reading } from './reading.ts';

export interface FetchingOptions {
  readonly connection: KafkaConnection;
  readonly admin: KafkaAdmin;
  readonly onRecords: (records: readonly KafkaRecord[]) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  /** One partition's records after another's, or side by side. */
  readonly lanes: 'one' | 'each';
}

/** An error of the protocol that a fetch answers for one partition. */
const OFFSET_OUT_OF_RANGE = 1;

type Topics = fetchV17.FetchRequestTopic[];

/**
 * Reads partitions from given offsets: to each broker one long fetch at a time, for all that it
 * leads. The library's stream would join a group, and ends at the first error.
 */
export class Fetching {
  readonly #options: FetchingOptions;
  readonly #consumer: Consumer<Buffer, Buffer, Buffer, Buffer>;
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
    // Never joined: the library asks for a name all the same.
    const groupId = randomUUID();
    const { READ_COMMITTED } = FetchIsolationLevels;
    const settings = { groupId, retries: 0, isolationLevel: READ_COMMITTED, minBytes: 1 };
    this.#consumer = guarded(new Consumer({ ...optionsOf(options.connection), ...settings }));
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
      this.#consumer.topics.track(place.topic);
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
    await atMost(BOUNDS.stopMs, this.#consumer.close(true));
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
    const metadata = await this.#consumer.metadata({ topics });
    const leaderOf = ({ topic, partition }: Reading): number =>
      metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1;
    const idOf = (topic: string): string => metadata.topics.get(topic)?.id ?? '';
    for (const [node, readings] of Map.groupBy(wanted, leaderOf)) {
      if (node < 0) throw new Error('a partition has no leader');
      if (this.#asked.has(node)) continue;
      this.#asked.add(node);
      void this.#round(node, readings, idOf);
    }
    this.#begun.resolve();
  }

  async #round(
    node: number,
    readings: readonly Reading[],
    idOf: (topic: string) => string,
  ): Promise<void> {
    const byPlace = new Map(readings.map((it) => [`${idOf(it.topic)}/${it.partition}`, it]));
    const find = (topicId: string, partition: number): Reading | undefined => {
      const reading = byPlace.get(`${topicId}/${partition}`);
      // Removed, or given back and taken anew, while the fetch was on its way.
      return reading && this.reading(reading) === reading ? reading : undefined;
    };
    try {
      const response = await this.#consumer.fetch({
        node,
        topics: topicsOf(readings, idOf),
        maxWaitTime: BOUNDS.fetchWaitMs,
        maxBytes: BOUNDS.fetchBytesMax,
      });
      this.#take(response, find);
      this.#backoff.reset();
    } catch (error) {
      await this.#recover(error, find);
    }
    this.#asked.delete(node);
    this.look();
  }

  #take(response: fetchV17.FetchResponse, find: Find): void {
    const partitions = partitionsOf(response, find);
    const silent = partitions.every(([, { records }]) => !records || records.length === 0);
    for (const [reading, partition] of partitions) {
      const { records, next, bytes } = committedOf(reading, reading.next, partition);
      // All that stood between was compacted away: a broker that had any of it would have sent it.
      const stable = silent ? Number(partition.lastStableOffset) : next;
      const end = Math.max(next, stable);
      if (end > reading.next) reading.add(records, end, bytes);
    }
  }

  async #recover(error: unknown, find: Find): Promise<void> {
    if (this.#stopped) return;
    const { response } = error as { response?: fetchV17.FetchResponse };
    const lost = partitionsOf(response, find).filter(
      ([, { errorCode }]) => errorCode === OFFSET_OUT_OF_RANGE,
    );
    try {
      for (const [reading] of lost) await this.#toStart(reading);
    } catch (cause) {
      return this.#troubled(cause);
    }
    if (lost.length === 0) await this.#troubled(error);
  }

  async #toStart(reading: Reading): Promise<void> {
    const start = (await this.#options.admin.starts(reading.topic))[reading.partition] ?? 0;
    if (start < reading.next) this.#options.onTrouble(new Error('the log ends before its reader'));
    reading.add([], start, 0);
  }

  async #troubled(error: unknown): Promise<void> {
    if (this.#stopped) return;
    this.#options.onTrouble(error);
    this.#begun.resolve();
    this.#consumer.clearMetadata();
    await sleep(this.#backoff.next());
  }
}

type Find = (topicId: string, partition: number) => Reading | undefined;

function isWanted(reading: Reading): boolean {
  return !reading.paused && reading.waitingBytes < BOUNDS.waitingBytesMax;
}

function topicsOf(readings: readonly Reading[], idOf: (topic: string) => string): Topics {
  return [...Map.groupBy(readings, ({ topic }) => topic)].map(([topic, of]) => ({
    topicId: idOf(topic),
    partitions: of.map(({ partition, next }) => ({
      partition,
      fetchOffset: BigInt(next),
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: BOUNDS.partitionBytesMax,
    })),
  }));
}

function partitionsOf(
  response: fetchV17.FetchResponse | undefined,
  find: Find,
): [Reading, fetchV17.FetchResponsePartition][] {
  const found: [Reading, fetchV17.FetchResponsePartition][] = [];
  for (const { topicId, partitions } of response?.responses ?? []) {
    for (const partition of partitions) {
      const reading = find(topicId, partition.partitionIndex);
      if (reading) found.push([reading, partition]);
    }
  }
  return found;
}
