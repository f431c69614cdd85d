import { randomUUID } from 'node:crypto';
import { Consumer, FetchIsolationLevels, type fetchV17 } from '@platformatic/kafka';
import type { KafkaConnection, TopicPartition, TopicPlace } from './client.ts';
import { keyOf } from './client-batches.ts';
import { BOUNDS } from './client-bounds.ts';
import { type FetchedPartition, OutOfRange, type Wire } from './client-wire.ts';
import { guarded, optionsOf } from './platformatic-options.ts';
import { committedOf } from './platformatic-records.ts';

/** The code of OFFSET_OUT_OF_RANGE, which a fetch answers for one partition. */
const OFFSET_OUT_OF_RANGE = 1;

/** Fetches without a stream of the library: that would join a group, and end at the first error. */
export class PlatformaticWire implements Wire {
  readonly #consumer: Consumer<Buffer, Buffer, Buffer, Buffer>;
  readonly #tracked = new Set<string>();

  constructor(connection: KafkaConnection) {
    // Never joined: the library asks for a name all the same.
    const groupId = randomUUID();
    const { READ_COMMITTED } = FetchIsolationLevels;
    const settings = { groupId, retries: 0, isolationLevel: READ_COMMITTED, minBytes: 1 };
    this.#consumer = guarded(new Consumer({ ...optionsOf(connection), ...settings }));
  }

  async leaders(topics: readonly string[]): Promise<(partition: TopicPartition) => number> {
    for (const topic of topics) {
      if (!this.#tracked.has(topic)) this.#consumer.topics.track(topic);
      this.#tracked.add(topic);
    }
    const { topics: known } = await this.#consumer.metadata({ topics: [...topics] });
    return ({ topic, partition }) => known.get(topic)?.partitions[partition]?.leader ?? -1;
  }

  async fetch(node: number, from: readonly TopicPlace[]): Promise<FetchedPartition[]> {
    const { topics: known } = await this.#consumer.metadata({ topics: [...this.#tracked] });
    const names = new Map([...known].map(([name, { id }]) => [id, name]));
    const asked = new Map(from.map((place) => [keyOf(place), place]));
    const topics = [...Map.groupBy(from, ({ topic }) => topic)].map(([topic, of]) => ({
      topicId: known.get(topic)?.id ?? '',
      partitions: of.map(requestOf),
    }));
    const { fetchWaitMs: maxWaitTime, fetchBytesMax: maxBytes } = BOUNDS;
    try {
      const response = await this.#consumer.fetch({ node, topics, maxWaitTime, maxBytes });
      return partitionsOf(response, names, asked).map(([place, partition]) => ({
        ...place,
        ...committedOf(place, place.offset, partition),
        stable: Number(partition.lastStableOffset),
      }));
    } catch (error) {
      const { response } = error as { response?: fetchV17.FetchResponse };
      const lost = partitionsOf(response, names, asked)
        .filter(([, { errorCode }]) => errorCode === OFFSET_OUT_OF_RANGE)
        .map(([place]) => place);
      throw lost.length > 0 ? new OutOfRange(lost, error) : error;
    }
  }

  forget(): void {
    this.#consumer.clearMetadata();
  }

  async close(): Promise<void> {
    await this.#consumer.close(true);
  }
}

function requestOf({ partition, offset }: TopicPlace): fetchV17.FetchRequestPartition {
  return {
    partition,
    fetchOffset: BigInt(offset),
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    partitionMaxBytes: BOUNDS.partitionBytesMax,
  };
}

/** A broker may answer for partitions of an earlier request of the session: those are left out. */
function partitionsOf(
  response: fetchV17.FetchResponse | undefined,
  names: ReadonlyMap<string, string>,
  asked: ReadonlyMap<string, TopicPlace>,
): [TopicPlace, fetchV17.FetchResponsePartition][] {
  const found: [TopicPlace, fetchV17.FetchResponsePartition][] = [];
  for (const { topicId, partitions } of response?.responses ?? []) {
    const topic = names.get(topicId) ?? '';
    for (const partition of partitions) {
      const place = asked.get(keyOf({ topic, partition: partition.partitionIndex }));
      if (place) found.push([place, partition]);
    }
  }
  return found;
}
