import type { KafkaClient, KafkaConnection } from './client.ts';
import { createKafkajsClient } from './kafkajs.ts';
import { createPlatformaticClient } from './platformatic.ts';

/** The adapters; `KAFKA_CLIENT` names one. */
const ADAPTERS = { platformatic: createPlatformaticClient, kafkajs: createKafkajsClient } as const;

export type KafkaAdapter = keyof typeof ADAPTERS;

export function createKafkaClient(connection: KafkaConnection, which: KafkaAdapter): KafkaClient {
  return ADAPTERS[which](connection);
}
