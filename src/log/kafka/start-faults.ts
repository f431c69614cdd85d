import type { KafkaSettings } from '../room-parts.ts';
import { checkTopics } from './apply-topics.ts';
import { createKafkaClient } from './create.ts';
import { PARTITIONS, topicSpecs } from './topics.ts';

/** In the words of a list of faults at start. */
export interface KafkaFault {
  readonly part: string;
  readonly what: string;
  readonly mend: string;
}

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
    const faults = await checkTopics(client.admin, specs);
    const kept = makeTopics ? faults.filter(({ what }) => what !== 'does not exist') : faults;
    return kept.map(({ topic, what, mend }) => ({ part: topic, what, mend }));
  } catch {
    const what = 'cannot be reached, or does not let us see its topics';
    const mend =
      'see KAFKA_TLS and KAFKA_SASL, and that our user may DESCRIBE the cluster and our topics';
    return [{ part: 'KAFKA_BROKERS', what, mend }];
  } finally {
    await client.close().catch(() => undefined);
  }
}
