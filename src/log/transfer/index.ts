import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { applyTopics } from '../kafka/apply-topics.ts';
import type { KafkaConnection } from '../kafka/client.ts';
import { createKafkaClient, type KafkaAdapter } from '../kafka/create.ts';
import { PARTITIONS, replicationOn, topicNames, topicSpecs } from '../kafka/topics.ts';
import { replayFromKafka } from './from-kafka.ts';
import { replayIntoKafka } from './to-kafka.ts';

interface Kafka extends Omit<KafkaConnection, 'clientId'> {
  readonly client: KafkaAdapter;
  readonly topicPrefix: string;
  readonly groupPrefix: string;
}

export interface LogReplay {
  /** Where the embedded log is, or is to be; its server does not run. */
  readonly dataDir: string;
  readonly kafka: Kafka;
  readonly into: 'kafka' | 'data-dir';
  /** The deployment's. */
  readonly memberIdKey: Uint8Array;
  /** Whether topics that are missing are made. */
  readonly makeTopics: boolean;
  readonly clock: Pick<Clock, 'now'>;
}

/** Between the embedded log and Kafka, either way. @returns how many records */
export async function replayLog(options: LogReplay): Promise<number> {
  const { dataDir, kafka, memberIdKey, into, makeTopics, clock } = options;
  const client = createKafkaClient({ ...kafka, clientId: 'digital-twin' }, kafka.client);
  try {
    const names = topicNames(kafka.topicPrefix);
    if (makeTopics && into === 'kafka') {
      const replication = replicationOn(await client.admin.brokers());
      const prefix = kafka.topicPrefix;
      await applyTopics(client.admin, topicSpecs({ prefix, partitions: PARTITIONS, replication }));
    }
    const described = await client.admin.describe([names.sources, names.directory]);
    const countOf = (name: string): number =>
      described.find(({ topic }) => topic === name)?.partitions ?? 0;
    if (countOf(names.sources) === 0) throw new Error('the topics do not exist');
    const transfer = {
      ...{ client, memberIdKey, path: join(dataDir, 'log.db'), now: clock.now() },
      topics: { ...names, directoryPartitions: countOf(names.directory) },
      partitions: countOf(names.sources),
    };
    if (into === 'data-dir') return await replayFromKafka(transfer);
    const transactionalId = `${kafka.groupPrefix}decider`;
    return await replayIntoKafka({ ...transfer, transactionalId });
  } finally {
    await client.close();
  }
}
