import type { Cluster } from 'kafkajs';
import type { KafkaConnection, TopicPartition, TopicPlace } from './client.ts';
import { keyOf } from './client-batches.ts';
import { BOUNDS } from './client-bounds.ts';
import { type FetchedPartition, OutOfRange, type Wire } from './client-wire.ts';
import { Link } from './kafkajs-link.ts';
import { clusterOf, kafkaOf } from './kafkajs-options.ts';
import { committedOf } from './kafkajs-records.ts';
import { brokerOf, type WireResponse } from './kafkajs-types.ts';

/** Asks brokers directly: the library's consumer would join a group to read from an offset. */
export class KafkajsWire implements Wire {
  readonly #link: Link<Cluster>;
  #stale = true;

  constructor(connection: KafkaConnection) {
    this.#link = new Link(clusterOf(kafkaOf(connection, 0), 'committed'));
  }

  async leaders(topics: readonly string[]): Promise<(partition: TopicPartition) => number> {
    const leaders = new Map<string, number>();
    await this.#link.use('asking for metadata', async (cluster) => {
      if (this.#stale) await cluster.connect();
      await cluster.addMultipleTargetTopics([...topics]);
      if (this.#stale) await cluster.refreshMetadata();
      else await cluster.refreshMetadataIfNecessary();
      for (const topic of topics) {
        for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) {
          leaders.set(keyOf({ topic, partition: partitionId }), leader);
        }
      }
    });
    this.#stale = false;
    return (partition) => leaders.get(keyOf(partition)) ?? -1;
  }

  async fetch(node: number, from: readonly TopicPlace[]): Promise<FetchedPartition[]> {
    const asked = new Map(from.map((place) => [keyOf(place), place]));
    const fetching = async (cluster: Cluster): Promise<WireResponse> =>
      (await brokerOf(cluster, node)).fetch({
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
      });
    try {
      const { responses } = await this.#link.use('fetching', fetching);
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
    await this.#link.close();
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
