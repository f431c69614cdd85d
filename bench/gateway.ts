import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromJson } from '@bufbuild/protobuf';
import { CallReadyEventSchema } from '../src/contract/events/calls/v1/call_pb.js';
import { ownIds } from '../src/log/events/index.ts';
import { outMessage } from '../src/log/events/wire.ts';
import type { KafkaProducer } from '../src/log/kafka/client.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { startKafka } from '../tools/parts/kafka.ts';
import { startRedis } from '../tools/parts/redis.ts';
import { cpuBetween, cpuSum, cpuTimes, processCpuMs } from './cpu.ts';
import { crowd } from './gateway/crowd.ts';
import { enrol } from './gateway/enrol.ts';
import {
  type BenchServer,
  percentile,
  progress,
  type Row,
  report,
  startServer,
} from './harness.ts';
import { residentKb } from './process.ts';

const PREFIX = 'bench.';
/** Connections of one principal at most: 64. */
const MEMBERS_A_READER = 50;
const STEP_MS = 5;
const WARM_UP_SECONDS = 3;
const FANOUTS = 20;
/** Threads of the server that are named in the table. */
const THREADS = 6;
const SETTLE_MS = 5_000;
const FLOOR = new URL('./gateway/floor.ts', import.meta.url);

const idOf = (member: number): string => `bench-${member}`;
const subscribe = (id: string, member: number): string =>
  JSON.stringify({
    ...{ type: 'subscribe', id, topics: ['call-notifications'] },
    filters: { field: 'member', eq: idOf(member) },
  });

/**
 * The gateway on a real Kafka and Redis: so many connections, each authenticated and subscribed to a
 * member of its own; an open-loop schedule of events to random members; one event to all; and a stock
 * `ws` server as the floor of connections, memory and fan-out.
 */
export async function benchGateway(connections: number, rate: number, seconds: number) {
  const rows = await floor(connections);
  const broker = await startKafka({}, progress);
  const store = await startRedis({}, progress);
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-gateway-'));
  const server = await startServer(dataDir, {
    ...{ ...store.env, KAFKA_BROKERS: broker.address, KAFKA_TOPIC_PREFIX: PREFIX },
    REQUESTS_PER_SECOND: '1000000',
  });
  const client = createKafkaClient(
    { brokers: [broker.address], clientId: 'bench' },
    'platformatic',
  );
  const producer = client.producer();
  try {
    await producer.open();
    const tokens = await enrolled(server, connections);
    const others = { broker: broker.pid, Redis: store.pid, load: process.pid };
    const given = { server, producer, tokens, connections, rate, seconds, others };
    rows.push(...(await measured(given)));
    report('gateway', { connections, rate, seconds }, rows);
  } finally {
    await producer.close();
    await client.close();
    await server.stop();
    await store.stop();
    await broker.stop();
    await rm(dataDir, { recursive: true });
  }
}

interface Measured {
  readonly server: BenchServer;
  readonly producer: KafkaProducer;
  /** One for every fifty connections. */
  readonly tokens: readonly string[];
  readonly connections: number;
  readonly rate: number;
  readonly seconds: number;
  /** Processes besides the server, by name. */
  readonly others: Readonly<Record<string, number>>;
}

async function measured({ server, producer, tokens, ...given }: Measured) {
  const { connections, rate, seconds, others } = given;
  const sentAt = new Map<string, number>();
  const waits: number[] = [];
  const before = residentKb(server.pid);
  const { port } = new URL(server.url);
  const all = await crowd({
    size: connections,
    url: (n) => `ws://127.0.0.1:${port}/v1/ws?token=${tokens[Math.floor(n / MEMBERS_A_READER)]}`,
    first: (n) => subscribe('s', n),
    onMessage(text) {
      const at = sentAt.get(/"id":"(?<id>b-[^"]+)"/.exec(text)?.groups?.id ?? '');
      if (at !== undefined) waits.push(performance.now() - at);
    },
  });
  await sleep(SETTLE_MS);
  const memory = (residentKb(server.pid) - before) / connections;
  const send = async (members: readonly number[]): Promise<void> => {
    const messages = members.map((member) => {
      const id = `b-${sentAt.size}`;
      sentAt.set(id, performance.now());
      return { topic: `${PREFIX}call-notifications`, ...readyOf(member, id) };
    });
    if (messages.length > 0) await producer.send(messages);
  };
  const cpu = cpuTimes(server.pid);
  const othersBefore = Object.values(others).map(processCpuMs);
  const total = await schedule(rate, seconds + WARM_UP_SECONDS, (count) =>
    send(Array.from({ length: count }, () => Math.floor(Math.random() * connections))),
  );
  const threads = cpuBetween(cpu, cpuTimes(server.pid));
  const spent = Object.entries(others).map(([name, pid], index): [string, number] => [
    name,
    processCpuMs(pid) - (othersBefore[index] ?? 0),
  ]);
  await quiet(waits);
  const counted = waits.slice(rate * WARM_UP_SECONDS);
  const heard = (100 * waits.length) / total;
  await all.say(() => subscribe('all', 0));
  waits.length = 0;
  for (let round = 1; round <= FANOUTS; round += 1) {
    await send([0]);
    while (waits.length < round * connections) await sleep(2);
  }
  all.close();
  const row = (what: string, value: number, unit: string, bar?: string): Row => ({
    ...{ what, value, unit },
    ...(bar !== undefined && { bar }),
  });
  const opened = perSecond(connections, all.connectedMs);
  return [
    row('connections a second, with auth and subscription', opened, '/s'),
    row('memory a connection', memory, 'KB', '20'),
    row('Kafka to client, p50', percentile(counted, 50), 'ms', '10'),
    row('Kafka to client, p99', percentile(counted, 99), 'ms', '50'),
    row('Kafka to client, p99.9', percentile(counted, 99.9), 'ms', '100'),
    row('heard of sent', heard, '%', '100'),
    row('CPU of the server an event', (1_000 * cpuSum(threads)) / total, 'µs'),
    ...threads
      .slice(0, THREADS)
      .map(([name, ms]) => row(`- of it ${name}`, (1_000 * ms) / total, 'µs')),
    ...spent.map(([name, ms]) => row(`CPU of ${name} an event`, (1_000 * ms) / total, 'µs')),
    row('one event to all, p50', percentile(waits, 50), 'ms'),
    row('one event to all, the last', percentile(waits, 100), 'ms'),
  ];
}

/** Readers may read fifty members each, and the first one, of whom all are told at once. */
async function enrolled(server: BenchServer, members: number): Promise<string[]> {
  const { tokens, idOf, readers } = await enrol(server, members, MEMBERS_A_READER);
  const granter = await server.token('operator', 'relations:write');
  const changes = readers.map((reader) => ({
    operation: 'touch',
    relationship: `member:${idOf(0)}#delegate@user:${reader}`,
  }));
  await server.post(granter, '/v1/relations', JSON.stringify({ changes }));
  return await tokens();
}

function readyOf(member: number, id: string) {
  const header = {
    ...{ id, type: 'call.ready', tenant: 'demo', member: idOf(member) },
    time: new Date().toISOString(),
  };
  const message = fromJson(CallReadyEventSchema, { header, member: idOf(member), callId: id });
  return outMessage(CallReadyEventSchema, idOf(member), message, ownIds);
}

/** What is due is sent then, whatever has come back. */
async function schedule(
  rate: number,
  seconds: number,
  send: (count: number) => Promise<void>,
): Promise<number> {
  const began = performance.now();
  let sent = 0;
  while (sent < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - began) / 1_000) * rate));
    if (due > sent) void send(due - sent);
    sent = Math.max(sent, due);
    await sleep(STEP_MS);
  }
  return sent;
}

async function quiet(heard: readonly unknown[]): Promise<void> {
  for (let before = -1; before !== heard.length; ) {
    before = heard.length;
    await sleep(2_000);
  }
}

async function floor(connections: number): Promise<Row[]> {
  const child = fork(FLOOR);
  const [port] = (await once(child, 'message')) as [number];
  const before = residentKb(child.pid ?? 0);
  let heard = 0;
  let lastAt = 0;
  const all = await crowd({
    size: connections,
    url: () => `ws://127.0.0.1:${port}`,
    first: () => '{"type":"subscribe"}',
    onMessage() {
      heard += 1;
      lastAt = performance.now();
    },
  });
  await sleep(SETTLE_MS);
  const memory = (residentKb(child.pid ?? 0) - before) / connections;
  const waits: number[] = [];
  for (let round = 0; round < FANOUTS; round += 1) {
    const at = performance.now();
    child.send(`{"id":"floor","text":"${'x'.repeat(300)}"}`);
    while (heard < (round + 1) * connections) await sleep(2);
    waits.push(lastAt - at);
  }
  all.close();
  child.kill('SIGKILL');
  return [
    {
      what: 'floor (ws): connections a second',
      value: perSecond(connections, all.connectedMs),
      unit: '/s',
    },
    { what: 'floor (ws): memory a connection', value: memory, unit: 'KB' },
    {
      what: 'floor (ws): one message to all, the last, p50',
      value: percentile(waits, 50),
      unit: 'ms',
    },
  ];
}

function perSecond(count: number, ms: number): number {
  return (1_000 * count) / ms;
}
