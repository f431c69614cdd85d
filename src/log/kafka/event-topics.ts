import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { eventOfType } from '../../contract/events/catalog.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { EventTopics, TakeOptions } from '../../twin/ports.ts';
import { createConsumer } from '../consumers/consumer.ts';
import { decodeEvents } from '../consumers/decode.ts';
import type { SealingKeys } from '../consumers/sealing.ts';
import { ownIds } from '../events/index.ts';
import { outMessage } from '../events/wire.ts';
import type { KafkaClient } from './client.ts';
import { createLateProducer } from './late-producer.ts';

/** What cannot be handled now is tried until it can: a dead letter would be a hole in a stream. */
const ATTEMPTS = Number.MAX_SAFE_INTEGER;
const CONCURRENCY = 64;
const LAG_MS = 10_000;

export interface EventTopicsOptions {
  readonly client: KafkaClient;
  readonly keys: SealingKeys;
  readonly topicPrefix: string;
  readonly groupPrefix: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}

export function createEventTopics(options: EventTopicsOptions): EventTopics & Service {
  const { client, onTrouble, topicPrefix } = options;
  const producer = createLateProducer(client, onTrouble);
  return {
    name: 'event-topics',
    start: () => Promise.resolve(),
    stop: () => producer.stop(),
    take: (asked) => taking(options, asked),
    async publish(type, key, message) {
      const kind = eventOfType(type);
      if (kind?.topic === undefined) throw new Fault('INVALID_ARGUMENT');
      const { schema } = kind;
      const out = outMessage(schema, key, message as MessageShape<DescMessage>, ownIds);
      try {
        await producer.send('publishing an event', [{ topic: topicPrefix + kind.topic, ...out }]);
      } catch (cause) {
        throw new Fault('LOG_UNAVAILABLE', { cause });
      }
    },
  };
}

/** A member of the group. What it has handled is noted, to tell how far behind it is. */
function taking(options: EventTopicsOptions, { group, topics, take, onLag }: TakeOptions): Service {
  const { client, keys, topicPrefix, groupPrefix, clock, onTrouble } = options;
  const handled = new Map<string, Map<number, number>>();
  const consumer = createConsumer({
    ...{ client, clock, topicPrefix, onTrouble, deadLetters: { keys }, concurrency: CONCURRENCY },
    group: `${groupPrefix}${group}`,
    topics: topics.map((topic) => topicPrefix + topic),
    decode: decodeEvents(),
    retries: { attempts: ATTEMPTS },
    async handler(event) {
      const { id, type, value, topic: whole, partition, offset, timestamp, signal } = event;
      const topic = whole.slice(topicPrefix.length);
      await take({ id, type, value, topic, partition, offset, timestamp, signal });
      const own = handled.get(whole) ?? new Map<number, number>();
      handled.set(whole, own.set(partition, offset + 1));
    },
  });
  let timer: Timer | undefined;
  const look = (): void => {
    timer = clock.after(LAG_MS, () => {
      lagOf(client, handled).then(onLag, onTrouble).finally(look);
    });
  };
  return {
    name: consumer.name,
    async start() {
      await consumer.start();
      look();
    },
    async stop() {
      timer?.cancel();
      await consumer.stop();
    },
  };
}

/** Of the partitions of which something was handled here. */
async function lagOf(
  { admin }: KafkaClient,
  handled: ReadonlyMap<string, ReadonlyMap<number, number>>,
): Promise<number> {
  let lag = 0;
  for (const [topic, own] of handled) {
    const ends = await admin.ends(topic);
    for (const [partition, next] of own) lag += Math.max(0, (ends[partition] ?? next) - next);
  }
  return lag;
}
