/** `digital-twin-mcp/events`: consume the product's events with what a consumer needs around it. */

export * from '../../contract/events/twins/v1/resource_event_pb.js';

export { Undecodable, type UndecodableReason } from '../events/undecodable.ts';
export type { KafkaClient, KafkaConnection, KafkaRecord } from '../kafka/client.ts';
export { createKafkaClient, type KafkaAdapter } from '../kafka/create.ts';
export { deadLetterTopic } from '../kafka/topics.ts';
export { type ConsumerOptions, type ConsumerSettings, createConsumer } from './consumer.ts';
export {
  contentOf,
  type Failure,
  type Letter,
  type Letters,
  letterOf,
  readLetter,
} from './dead-letter.ts';
export { decodeEvents, decodeOnly, type EventMessage, headerOf } from './decode.ts';
export {
  type Decode,
  type Decoded,
  type Handler,
  REASONS,
  type Reason,
  type ReceivedEvent,
  Rejected,
} from './event.ts';
export {
  createMemoryIdempotency,
  type Idempotency,
  type MemoryIdempotencyOptions,
  REMEMBERED_MS,
} from './idempotency.ts';
export {
  createSqliteIdempotency,
  type SqliteIdempotency,
  type SqliteIdempotencyOptions,
} from './idempotency-sqlite.ts';
export { RETRIES, type Retries } from './retries.ts';
export {
  CannotOpen,
  type Sealed,
  type SealingKey,
  type SealingKeys,
  sealingKeyFrom,
} from './sealing.ts';
export {
  createTestKit,
  type ManualClock,
  type TestKit,
  type TestKitOptions,
  type TestLetter,
  type TestMessage,
} from './test-kit/index.ts';
