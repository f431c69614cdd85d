import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type DeadLetter,
  DeadLetterSchema,
} from '../../contract/events/twins/v1/dead_letter_pb.js';
import { base32 } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { ownIds } from '../events/schema-ids.ts';
import { frameOf, HEADERS, inMessage } from '../events/wire.ts';
import type { KafkaMessage, KafkaRecord, TopicPlace } from '../kafka/client.ts';
import { deadLetterTopic } from '../kafka/topics.ts';
import { REASONS, type Reason } from './event.ts';
import { open, type Sealed, type SealingKeys, seal } from './sealing.ts';

export const DEAD_LETTER_TYPE = 'twins.dead-letter';

/** Keys of ours are opaque ids; whatever else stands in a key stays inside the seal. */
const OPAQUE_KEY = /^[A-Za-z0-9][A-Za-z0-9:/_-]{0,255}$/;

/** Written by whoever feeds us: what stands in a key there may be a name in the form of an id. */
const OF_OTHERS = 'twins.intake';

const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Key and headers that are kept with a letter, so that it fits where the record did. */
const HEADER_BYTES_MAX = 16 * 1024;

/** What is known of a failed record beside the record itself. */
export interface Failure {
  readonly reason: Reason;
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly firstFailed: number;
  readonly lastFailed: number;
  /** The group that could not handle it, or `decider`. */
  readonly consumer: string;
  /** Id of the event, where it could be read. */
  readonly eventId?: string;
  readonly tenant?: string;
}

/** A dead letter as an operator sees it; its content needs the key. */
export interface Letter extends Omit<Failure, 'eventId' | 'tenant'> {
  /** Where the record stood, its topic without the installation's prefix. */
  readonly origin: TopicPlace;
  readonly eventId: string;
  readonly message: DeadLetter;
}

/** The same record failed twice for the same consumer (a crash before the commit) is one letter. */
export function letterId(consumer: string, { topic, partition, offset }: TopicPlace): string {
  const text = `${consumer}\0${topic}\0${partition}\0${offset}`;
  return base32(createHash('sha256').update(text).digest().subarray(0, 16));
}

export interface Letters {
  /** Absent: the record is named by its place alone, and kept where it stands. */
  readonly keys?: SealingKeys;
  /** `KAFKA_TOPIC_PREFIX`, which records do not repeat. */
  readonly topicPrefix: string;
}

/**
 * The record as a dead letter: sealed, with nothing of it outside but what our own codes and places
 * say. One that is too large for a topic is named by its place alone.
 */
export function letterOf(
  { keys, topicPrefix }: Letters,
  record: KafkaRecord,
  failure: Failure,
): KafkaMessage {
  const { reason, attempts, consumer, firstFailed, lastFailed } = failure;
  const { eventId = '', tenant = '' } = failure;
  const topic = record.topic.slice(topicPrefix.length);
  const origin = { topic, partition: record.partition, offset: record.offset };
  const id = letterId(consumer, origin);
  const key = fits(record) ? keys?.[0] : undefined;
  const message = create(DeadLetterSchema, {
    header: {
      id,
      type: DEAD_LETTER_TYPE,
      time: timestampFromMs(lastFailed),
      causationId: eventId,
      tenant: TENANT.test(tenant) ? tenant : '',
      schemaVersion: 1,
    },
    origin: { ...origin, offset: BigInt(record.offset) },
    ...{ reason, attempts, consumer },
    firstFailed: timestampFromMs(firstFailed),
    lastFailed: timestampFromMs(lastFailed),
    ...(key !== undefined && { content: seal(key, record, boundTo(origin, reason)) }),
  });
  return {
    topic: deadLetterTopic(record.topic),
    key: (topic === OF_OTHERS ? undefined : opaque(record.key)) ?? Buffer.from(id),
    value: frameOf(DeadLetterSchema, message, ownIds),
    headers: {
      [HEADERS.type]: DeadLetterSchema.typeName,
      'dlq-reason': reason,
      'dlq-origin': placeText(origin),
      'dlq-attempts': String(attempts),
      'dlq-consumer': consumer,
      ...(key !== undefined && { 'dlq-key-id': key.id }),
    },
  };
}

/** `undefined` for what is no dead letter of ours. */
export function readLetter({ value }: Pick<KafkaRecord, 'value'>): Letter | undefined {
  if (value === null) return undefined;
  try {
    const message = inMessage(DeadLetterSchema, { key: null, value, headers: {} }, ownIds);
    const { origin, reason, attempts, consumer, header, firstFailed, lastFailed } = message;
    const known = REASONS.find((one) => one === reason);
    if (header?.type !== DEAD_LETTER_TYPE || known === undefined) return undefined;
    if (origin === undefined || firstFailed === undefined || lastFailed === undefined) {
      return undefined;
    }
    const { topic, partition, offset } = origin;
    return {
      origin: { topic, partition, offset: Number(offset) },
      ...{ reason: known, attempts, consumer, message },
      eventId: header.causationId,
      firstFailed: timestampMs(firstFailed),
      lastFailed: timestampMs(lastFailed),
    };
  } catch {
    return undefined;
  }
}

/** The record that it was; `undefined` where it was too large to be kept. @throws CannotOpen */
export function contentOf(keys: SealingKeys, { message, origin, reason }: Letter) {
  const { content } = message;
  return content === undefined ? undefined : open(keys, content, boundTo(origin, reason));
}

export function placeText({ topic, partition, offset }: TopicPlace): string {
  return `${topic}/${partition}/${offset}`;
}

function boundTo(origin: TopicPlace, reason: string): string {
  return `${placeText(origin)}/${reason}`;
}

function fits({ key, value, headers }: Sealed): boolean {
  const beside = Object.entries(headers).reduce(
    (bytes, [name, held]) => bytes + Buffer.byteLength(name) + held.length,
    key?.length ?? 0,
  );
  return (value?.length ?? 0) <= LIMITS.recordBytesMax && beside <= HEADER_BYTES_MAX;
}

function opaque(key: Buffer | null): Buffer | undefined {
  return key !== null && OPAQUE_KEY.test(key.toString('latin1')) ? key : undefined;
}
