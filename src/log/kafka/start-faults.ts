import type { KafkaSettings } from '../room-parts.ts';
import { checkTopics } from './apply-topics.ts';
import type { KafkaClient, KafkaConnection } from './client.ts';
import { atMost, bounded, Unwelcome } from './client-bounds.ts';
import { createKafkaClient } from './create.ts';
import { type Right, topicRights } from './topic-rights.ts';
import { deadLetterTopic, PARTITIONS, topicNames, topicSpecs } from './topics.ts';

/** In the words of a list of faults at start. */
export interface KafkaFault {
  readonly part: string;
  readonly what: string;
  readonly mend: string;
}

const LOOK_MS = 10_000;
const CLOSE_MS = 2_000;
const UNWELCOME: KafkaFault = {
  part: 'KAFKA_BROKERS',
  what: 'does not take who we are, or its certificate is not one we trust',
  mend: 'see KAFKA_SASL and KAFKA_TLS',
};
const UNREACHED: KafkaFault = {
  part: 'KAFKA_BROKERS',
  what: 'cannot be reached, or does not let us see its topics',
  mend: 'see that it runs, and that our user may DESCRIBE the cluster and our topics',
};

/**
 * What of Kafka keeps the product from starting: that it cannot be reached or refuses us, and every
 * topic that is not as it should be. Changes nothing.
 * @param makeTopics those that are missing will be made
 */
export async function kafkaFaults(
  { topicPrefix, client: adapter, ...connection }: KafkaSettings,
  makeTopics: boolean,
): Promise<KafkaFault[]> {
  const client = createKafkaClient({ ...connection, clientId: 'digital-twin-doctor' }, adapter);
  try {
    const specs = topicSpecs({ prefix: topicPrefix, partitions: PARTITIONS, replication: 1 });
    const faults = await bounded('looking', checkTopics(client.admin, specs), LOOK_MS);
    const kept = makeTopics ? faults.filter(({ what }) => what !== 'does not exist') : faults;
    const rights = await rightsMissing(connection, client, topicPrefix);
    return [...kept.map(({ topic, what, mend }) => ({ part: topic, what, mend })), ...rights];
  } catch (error) {
    return [error instanceof Unwelcome ? UNWELCOME : UNREACHED];
  } finally {
    await atMost(CLOSE_MS, client.close());
  }
}

const NEEDED: readonly Right[] = ['READ', 'WRITE'];

/** Of the topics that are there: what is missing is a fault of its own. */
async function rightsMissing(
  connection: Omit<KafkaConnection, 'clientId'>,
  { admin }: KafkaClient,
  prefix: string,
): Promise<KafkaFault[]> {
  const names = topicNames(prefix);
  const ours = [...Object.values(names), deadLetterTopic(names.intake)];
  const there = (await bounded('looking', admin.describe(ours), LOOK_MS)).map(({ topic }) => topic);
  if (there.length === 0) return [];
  const who = { ...connection, clientId: 'digital-twin-doctor' };
  // A broker that cannot say it is no fault: what is not allowed shows when it is tried.
  const rights = await topicRights(who, there).catch(() => new Map<string, ReadonlySet<Right>>());
  return [...rights].flatMap(([topic, may]) => {
    // Which log it is, `topics apply` has said.
    const needed = topic === names.log ? NEEDED.filter((right) => right === 'READ') : NEEDED;
    const missing = needed.filter((right) => !may.has(right)).join(' and ');
    if (missing === '') return [];
    const operations = missing.replace(' and ', ' --operation ');
    const mend = `kafka-acls --add --allow-principal User:OURS --operation ${operations} --topic ${topic}`;
    return [{ part: topic, what: `does not let us ${missing}`, mend }];
  });
}
