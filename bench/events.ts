/** The consumer framework beside the bare client, with the same decoding, round by round. */

import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/kernel/clock.ts';
import { KEYS, updatesOf } from '../src/log/consumers/consumer.testing.ts';
import {
  createConsumer,
  createMemoryIdempotency,
  type Decode,
  type Decoded,
  decodeEvents,
} from '../src/log/consumers/index.ts';
import type { KafkaClient, KafkaRecord } from '../src/log/kafka/client.ts';
import { createKafkaClient, type KafkaAdapter } from '../src/log/kafka/create.ts';
import { deadLetterTopic } from '../src/log/kafka/topics.ts';
import { sharedKafka } from '../test/support/parts.ts';
import { percentile, type Row, report } from './harness.ts';

const ADAPTERS: readonly KafkaAdapter[] = ['platformatic', 'kafkajs'];
const PARTITIONS = 8;
const CHUNK = 2_000;
const ROUND_TIMEOUT_MS = 120_000;
/** What is done with a record: nothing but naming it, or decoding the event that it holds. */
const DECODES = {
  bytes: ({ partition, offset, value }: KafkaRecord): Decoded<unknown> => ({
    ...{ id: `${partition}/${offset}`, type: 'bytes', value },
  }),
  events: decodeEvents(),
} as const;
const WAYS = [
  ['bytes', 'bare client'],
  ['bytes', 'consumer framework'],
  ['events', 'bare client'],
  ['events', 'consumer framework'],
] as const;
type Way = (typeof WAYS)[number];

/** @param events in the topic, read anew in each round by a group of its own */
export async function benchEvents(events: number, rounds: number): Promise<void> {
  const { address, prefix } = await sharedKafka();
  const topic = `${prefix}twins.resource-events`;
  const clients = ADAPTERS.map((adapter) => ({
    adapter,
    client: createKafkaClient({ brokers: [address], clientId: 'bench' }, adapter),
  }));
  const [{ client }] = clients as [(typeof clients)[number]];
  await fill(client, topic, events);
  const rates = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const { adapter, client: one } of clients) {
      for (const way of WAYS) {
        const rate = events / (await secondsOf(way, one, topic, events));
        const name = nameOf(adapter, way);
        // The first round warms up.
        if (round > 0) rates.set(name, [...(rates.get(name) ?? []), rate]);
      }
    }
  }
  await client.admin.remove([topic, deadLetterTopic(topic)]);
  for (const { client: one } of clients) await one.close();
  report('events', { events, rounds, partitions: PARTITIONS }, rowsOf(rates));
}

async function fill(client: KafkaClient, topic: string, events: number): Promise<void> {
  const spec = { partitions: PARTITIONS, replication: 1, configs: {} };
  await client.admin.create([
    { topic, ...spec },
    { topic: deadLetterTopic(topic), ...spec },
  ]);
  const producer = client.producer();
  await producer.open();
  for (let sent = 0; sent < events; sent += CHUNK) {
    await producer.send(updatesOf(topic, sent, Math.min(sent + CHUNK, events)));
  }
  await producer.close();
}

/** From the first event that is handled until the last one: joining a group is no throughput. */
async function secondsOf(way: Way, client: KafkaClient, topic: string, events: number) {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timer = setTimeout(
    () => reject(new Error(`${way.join(', ')} has not ended`)),
    ROUND_TIMEOUT_MS,
  );
  let began = 0;
  let handled = 0;
  const handler = (_event: unknown): void => {
    if (handled === 0) began = performance.now();
    handled += 1;
    if (handled === events) resolve((performance.now() - began) / 1000);
  };
  const [what, by] = way;
  const of = { client, group: `${topic}-${randomUUID()}`, topic, handler, decode: DECODES[what] };
  const reader = by === 'bare client' ? bareOf(of) : frameworkOf(of);
  await reader.start();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await reader.stop();
  }
}

interface Reading {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topic: string;
  readonly decode: Decode<unknown>;
  readonly handler: (event: unknown) => void;
}

/** The shortest loop that loses nothing: a commit once a batch is handled. */
function bareOf({ client, group: groupId, topic, decode, handler }: Reading) {
  const group = client.group({
    groupId,
    topics: [topic],
    async onRecords(records) {
      for (const record of records) handler(decode(record));
      const last = records.at(-1);
      if (last !== undefined) await group.commit([{ ...last, offset: last.offset + 1 }]);
    },
    onTrouble: () => undefined,
  });
  return group;
}

function frameworkOf({ client, group, topic, decode, handler }: Reading) {
  return createConsumer({
    ...{ client, group, handler, decode, deadLetters: { keys: KEYS } },
    topics: [topic],
    idempotency: createMemoryIdempotency({ clock: systemClock }),
  });
}

function nameOf(adapter: KafkaAdapter, [what, by]: Way): string {
  return `${adapter}, ${what}, ${by}`;
}

function rowsOf(rates: ReadonlyMap<string, readonly number[]>): Row[] {
  const rateOf = (adapter: KafkaAdapter, way: Way): number =>
    percentile(rates.get(nameOf(adapter, way)) ?? [], 50);
  return ADAPTERS.flatMap((adapter): Row[] => [
    ...WAYS.map((way) => {
      const value = Math.round(rateOf(adapter, way));
      return { what: nameOf(adapter, way), value, unit: '/s' };
    }),
    ...(['bytes', 'events'] as const).map((what): Row => {
      const bare = rateOf(adapter, [what, 'bare client']);
      const value = (rateOf(adapter, [what, 'consumer framework']) / bare) * 100;
      const row = { what: `${adapter}, ${what}, framework of bare`, value, unit: '%' };
      return what === 'events' ? { ...row, bar: 'at least 70 %' } : row;
    }),
  ]);
}
