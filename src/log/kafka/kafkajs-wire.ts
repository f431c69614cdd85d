import type { Cluster } from 'kafkajs';
import type { KafkaConnection, TopicPartition, TopicPlace } from './client.ts';
import { keyOf } from './client-batches.ts';
import { BOUNDS, bounded } from './client-bounds.ts';
import { type FetchedPartition, OutOfRange, type Wire } from './client-wire.ts';
import { clusterOf, kafkaOf } from './kafkajs-options.ts';
import { committedOf } from './kafkajs-records.ts';
import { brokerOf, type WireResponse } from './kafkajs-types.ts';

/** Asks brokers directly: the library's consumer would join a group to read from an offset. */
export class KafkajsWire implements Wire {
  readonly #cluster: Cluster;
  #stale = true;

  constructor(connection: KafkaConnection) {
    this.#cluster = clusterOf(kafkaOf(connection, 0), 'committed');
  }

  async leaders(topics: readonly string[]): Promise<(partition: TopicPartition) => number> {
    const cluster = this.#cluster;
    if (this.#stale) await bounded('connecting', cluster.connect());
    await bounded('asking for metadata', cluster.addMultipleTargetTopics([...topics]));
    const refreshing = this.#stale
      ? cluster.refreshMetadata()
      : cluster.refreshMetadataIfNecessary();
    await bounded('asking for metadata', refreshing);
    this.#stale = false;
    const leaders = new Map<string, number>();
    for (const topic of topics) {
      for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) {
        leaders.set(keyOf({ topic, partition: partitionId }), leader);
      }
    }
    return (partition) => leaders.get(keyOf(partition)) ?? -1;
  }

  async fetch(node: number, from: readonly TopicPlace[]): Promise<FetchedPartition[]> {
    const asked = new Map(from.map((place) => [keyOf(place), place]));
    const fetching = brokerOf(this.#cluster, node).then((broker) =>
      broker.fetch({
        isolationLevel: 1,
        maxWaitTime: BOUNDS.fetchWaitMs,
        minBytes: 1,
        maxBytes: BOUNDS.fetchBytesMax,
        rackId: '',
        topics: [...Map.groupBy(from, ({ topic }) => topic)].map(([topic, of]) => ({
          topic,
          partitions: of.map(({ partition, offset }) => ({
            ...{ partition, fetchOffset: String(offset), maxBytes: BOUNDS.partitionBytesMax },
          })),
        })),
      }),
    );
    try {
      const { responses }: WireResponse = await bounded('fetching', fetching);
      return responses.flatMap(({ topicName: topic, partitions }) =>
        partitions.flatMap((partition) => {
          const place = asked.get(keyOf({ topic, partition: partition.partition }));
          return place ? [committedOf(place, partition)] : [];
        }),
      );
    } catch (error) {
      throw outOfRange(error) ?? error;
    }
  }

  forget(): void {
    this.#stale = true;
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect();
  }
}

function outOfRange(error: unknown): OutOfRange | undefined {
  const { name, topic, partition } = error as {
    name?: unknown;
    topic?: unknown;
    partition?: unknown;
  };
  if (name !== 'KafkaJSOffsetOutOfRange') return undefined;
  return new OutOfRange([{ topic: String(topic), partition: Number(partition) }], error);
}
