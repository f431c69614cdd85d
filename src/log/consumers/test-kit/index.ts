import type { KafkaRecord, TopicPlace } from '../../kafka/client.ts';
import { deadLetterTopic } from '../../kafka/topics.ts';
import { type ConsumerSettings, createConsumer } from '../consumer.ts';
import { contentOf, readLetter } from '../dead-letter.ts';
import type { Reason } from '../event.ts';
import type { Sealed, SealingKeys } from '../sealing.ts';
import { createManualClock, type ManualClock, settled } from './clock.ts';
import { MemoryKafka } from './memory-kafka.ts';

export { createManualClock, type ManualClock } from './clock.ts';

export interface TestKitOptions<T>
  extends Omit<ConsumerSettings<T>, 'group' | 'deadLetters' | 'clock'> {
  readonly group?: string;
  readonly partitions?: number;
  /** When the test begins, in milliseconds since the epoch. */
  readonly startMs?: number;
}

export interface TestLetter {
  readonly origin: TopicPlace;
  readonly reason: Reason;
  readonly attempts: number;
  /** The record that it was; absent where it was too large to be kept. */
  readonly content: Sealed | undefined;
}

export interface TestMessage {
  /** Default: the first topic. */
  readonly topic?: string;
  readonly key?: string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly partition?: number;
}

/**
 * A consumer without Kafka, on a clock that stands still until it is moved: `send`, `advance`,
 * then look at the effects, the dead letters and what was committed.
 */
export interface TestKit {
  readonly clock: ManualClock;
  /** Hands it over, and lets happen what needs no time. */
  send(message: TestMessage): Promise<TopicPlace>;
  /** Back-offs and time-outs fall due on the way. */
  advance(byMs: number): Promise<void>;
  deadLetters(): TestLetter[];
  /** Offset of the next record after a restart. */
  committed(partition?: number, topic?: string): number;
  /** The partitions go to nobody and come back: what was not committed comes again. */
  rebalance(): Promise<void>;
  /** What keeps dead letters from being written, until it is `undefined`. */
  away(error: Error | undefined): void;
  stop(): Promise<void>;
}

const START_MS = Date.UTC(2026, 0, 1);
const KEYS: SealingKeys = [{ id: 'test', key: new Uint8Array(32).fill(7) }];

export async function createTestKit<T>(options: TestKitOptions<T>): Promise<TestKit> {
  const { partitions = 1, startMs = START_MS, group = 'test', topicPrefix = '' } = options;
  const clock = createManualClock(startMs);
  const kafka = new MemoryKafka(() => clock.now(), partitions);
  const [firstTopic = ''] = options.topics;
  const consumer = createConsumer({
    retries: { random: () => 1 },
    ...options,
    ...{ client: kafka, group, clock, deadLetters: { keys: KEYS } },
  });
  await consumer.start();
  return {
    clock,
    async send({ topic = firstTopic, key = null, value, headers, partition }) {
      const place = kafka.append({
        topic,
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        ...(headers !== undefined && { headers }),
        ...(partition !== undefined && { partition }),
      });
      await settled();
      return place;
    },
    advance: (byMs) => clock.advance(byMs),
    deadLetters: () =>
      options.topics.flatMap((topic) =>
        kafka.all(deadLetterTopic(topic)).flatMap((record) => opened(record)),
      ),
    committed: (partition = 0, topic = firstTopic) => kafka.committed({ topic, partition }),
    async rebalance() {
      await whileTimePasses(clock, kafka.rebalance());
    },
    away: (error) => {
      kafka.away = error;
    },
    stop: () => whileTimePasses(clock, consumer.stop()),
  };

  function opened(record: KafkaRecord): TestLetter[] {
    const letter = readLetter(record);
    if (letter === undefined) throw new Error('there is a dead letter that nobody can read');
    const { origin, reason, attempts } = letter;
    const whole = { ...origin, topic: topicPrefix + origin.topic };
    return [{ origin: whole, reason, attempts, content: contentOf(KEYS, letter) }];
  }
}

const STEP_MS = 100;

/** What waits for the clock goes on, a little at a time. */
async function whileTimePasses(clock: ManualClock, work: Promise<void>): Promise<void> {
  let done = false;
  const ending = work.finally(() => {
    done = true;
  });
  ending.catch(() => undefined);
  await settled();
  while (!done) await clock.advance(STEP_MS);
  await ending;
}
