/** The consumer framework beside the bare client, with the same decoding, round by round. */

import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/kernel/clock.ts';
import { KEYS, updatesOf } from '../src/log/consumers/consumer.testing.ts';
import {
  createConsumer,
  createMemoryIdempotency,
  decodeEvents,
} from '../src/log/consumers/index.ts';
import type { KafkaClient } from '../src/log/kafka/client.ts';
import { createKafkaClient, type KafkaAdapter } from '../src/log/kafka/create.ts';
import { deadLetterTopic } from '../src/log/kafka/topics.ts';
import { sharedKafka } from '../test/support/parts.ts';
import { percentile, type Row, report } from './harness.ts';

const ADAPTERS: readonly KafkaAdapter[] = ['platformatic', 'kafkajs'];
const PARTITIONS = 8;
const CHUNK = 2_000;
const ROUND_TIMEOUT_MS = 120_000;
/** `bytes` reads and commits alone; `bare` decodes too; `framework` does all that it is for. */
const WAYS = ['bytes', 'bare', 'framework'] as const;
type Way = (typeof WAYS)[number];
const SAYS: Readonly<Record<Way, string>> = {
  bytes: 'read and committed',
  bare: 'bare client that decodes',
  framework: 'consumer framework',
};

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
        // The first round warms up.
        if (round > 0)
          rates.set(`${adapter} ${way}`, [...(rates.get(`${adapter} ${way}`) ?? []), rate]);
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
  const timer = setTimeout(() => reject(new Error(`${way} has not ended`)), ROUND_TIMEOUT_MS);
  let began = 0;
  let handled = 0;
  const handler = (_event?: unknown): void => {
    if (handled === 0) began = performance.now();
    handled += 1;
    if (handled === events) resolve((performance.now() - began) / 1000);
  };
  const of = { client, group: `${topic}-${randomUUID()}`, topic, handler };
  const reader = way === 'framework' ? frameworkOf(of) : bareOf(of, way === 'bare');
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
  readonly handler: (event?: unknown) => void;
}

function bareOf({ client, group: groupId, topic, handler }: Reading, decodes: boolean) {
  const decode = decodeEvents();
  const group = client.group({
    groupId,
    topics: [topic],
    async onRecords(records) {
      for (const record of records) {
        if (decodes) handler(decode(record));
        else handler();
      }
      const last = records.at(-1);
      if (last !== undefined) await group.commit([{ ...last, offset: last.offset + 1 }]);
    },
    onTrouble: () => undefined,
  });
  return group;
}

function frameworkOf({ client, group, topic, handler }: Reading) {
  return createConsumer({
    ...{ client, group, handler, decode: decodeEvents(), deadLetters: { keys: KEYS } },
    topics: [topic],
    idempotency: createMemoryIdempotency({ clock: systemClock }),
  });
}

function rowsOf(rates: ReadonlyMap<string, readonly number[]>): Row[] {
  return ADAPTERS.flatMap((adapter): Row[] => {
    const rateOf = (way: Way): number => percentile(rates.get(`${adapter} ${way}`) ?? [], 50);
    const per = (way: Way) => ({ value: (rateOf('framework') / rateOf(way)) * 100, unit: '%' });
    return [
      ...WAYS.map((way) => ({
        ...{ what: `${adapter}, ${SAYS[way]}`, value: Math.round(rateOf(way)), unit: 'events/s' },
      })),
      { what: `${adapter}, framework of bare client`, ...per('bare'), bar: 'at least 70 %' },
      { what: `${adapter}, framework of bytes alone`, ...per('bytes') },
    ];
  });
}
