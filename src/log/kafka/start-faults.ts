import type { KafkaSettings } from '../room-parts.ts';
import { checkTopics } from './apply-topics.ts';
import { atMost, bounded, Unwelcome } from './client-bounds.ts';
import { createKafkaClient } from './create.ts';
import { PARTITIONS, topicSpecs } from './topics.ts';

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
    return kept.map(({ topic, what, mend }) => ({ part: topic, what, mend }));
  } catch (error) {
    return [error instanceof Unwelcome ? UNWELCOME : UNREACHED];
  } finally {
    await atMost(CLOSE_MS, client.close());
  }
}
