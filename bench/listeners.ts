import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { topicNames } from '../src/log/kafka/topics.ts';
import { modernMessage } from '../test/support/raw.ts';
import { startKafka } from '../tools/parts/kafka.ts';
import { type CpuTimes, cpuBetween, cpuSum, cpuTimes } from './cpu.ts';
import {
  type BenchServer,
  percentile,
  progress,
  type Row,
  report,
  startServer,
} from './harness.ts';

/** Streams of one principal at most (kernel/limits.ts). */
const STREAMS_A_READER = 50;
const PREFIX = 'bench.';
/** The schedule's step: what is due is sent then, whatever has come back. */
const STEP_MS = 5;
const WARM_UP_SECONDS = 3;
const QUIET_MS = 2_000;

interface Heard {
  readonly member: number;
  readonly atMs: number;
}

/**
 * From a fact on `twins.intake` to the bytes at a subscriber, by way of decider, log and view: an
 * open-loop schedule of events over as many members as there are listeners, one listener each.
 */
export async function benchListeners(listeners: number, rate: number, seconds: number) {
  const broker = await startKafka({}, progress);
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-listeners-'));
  const kafka = { KAFKA_BROKERS: broker.address, KAFKA_TOPIC_PREFIX: PREFIX };
  const server = await startServer(dataDir, kafka);
  const client = createKafkaClient(
    { brokers: [broker.address], clientId: 'bench' },
    'platformatic',
  );
  try {
    const producer = client.producer();
    await producer.open();
    const send = async (members: readonly number[], version: number): Promise<void> => {
      const topic = topicNames(PREFIX).intake;
      await producer.send(members.map((member) => ({ topic, ...factOf(member, version) })));
    };
    await enrol(server, listeners, (members) => send(members, 0));
    const heard: Heard[] = [];
    const close = await listenAll(server, listeners, (member) =>
      heard.push({ member, atMs: performance.now() }),
    );
    // A new subscription is told once of what changed within the last minutes.
    await sleep(2_000);
    heard.length = 0;
    const parts = { server: server.pid, broker: broker.pid, load: process.pid };
    const before = cpusOf(parts);
    const sent = await schedule(listeners, rate, WARM_UP_SECONDS + seconds, send);
    await settledDown(heard);
    const budget = budgetRows(before, cpusOf(parts), sent.length);
    await quiet(heard);
    close();
    const after = sent.findIndex(({ round }) => round >= WARM_UP_SECONDS);
    const waits = latencies(sent, heard, after);
    report(`listeners-${rate}`, { listeners, rate, seconds, warmUpSeconds: WARM_UP_SECONDS }, [
      { what: 'intake to receipt, p50', value: percentile(waits, 50), unit: 'ms' },
      { what: 'intake to receipt, p99', value: percentile(waits, 99), unit: 'ms', bar: '50' },
      { what: 'last update after the last fact', value: settled(sent, heard), unit: 'ms' },
      { what: 'heard of sent', value: (100 * heard.length) / sent.length, unit: '%' },
      ...budget,
    ]);
  } finally {
    await client.close();
    await server.stop();
    await broker.stop();
    await rm(dataDir, { recursive: true });
  }
}

type Cpus = ReadonlyMap<string, CpuTimes>;

function cpusOf(parts: Readonly<Record<string, number>>): Cpus {
  return new Map(Object.entries(parts).map(([part, pid]) => [part, cpuTimes(pid)]));
}

/** Threads that take less than this share of their process are not named. */
const NAMED_SHARE = 0.02;

/** What one fact costs each process, and of the server each thread. */
function budgetRows(before: Cpus, after: Cpus, facts: number): Row[] {
  return [...after].flatMap(([part, times]) => {
    const ran = cpuBetween(before.get(part) ?? new Map(), times);
    const row = (what: string, ms: number): Row => ({
      what: `CPU a fact, ${what}`,
      value: (1_000 * ms) / facts,
      unit: 'µs',
    });
    const total = cpuSum(ran);
    const threads = ran.filter(([, ms]) => part === 'server' && ms > NAMED_SHARE * total);
    return [row(part, total), ...threads.map(([name, ms]) => row(`${part}: ${name}`, ms))];
  });
}

/** As `quiet`, but looks more often: what runs idle is not to count. */
async function settledDown(heard: readonly Heard[]): Promise<void> {
  for (let before = -1; before !== heard.length; ) {
    before = heard.length;
    await sleep(1_000);
  }
}

/** Waits until nothing has been heard for a while. */
async function quiet(heard: readonly Heard[]): Promise<void> {
  for (let before = -1; before !== heard.length; ) {
    before = heard.length;
    await sleep(QUIET_MS);
  }
}

const idOf = (member: number): string => `bench-${member}`;
let events = 0;

function factOf(member: number, version: number) {
  events += 1;
  const fact = {
    ...{ resourceType: 'Patient', id: idOf(member), birthDate: '1970-05-01' },
    meta: { lastUpdated: new Date(Date.UTC(2026, 0, 1) + version * 1_000).toISOString() },
    name: [{ family: `Version ${version}`, given: ['Bench'] }],
  };
  const header = { tenant: 'demo', source: 'bench', 'event-id': `bench-${process.pid}-${events}` };
  const key = Buffer.from(idOf(member));
  return { key, value: Buffer.from(JSON.stringify(fact)), headers: header };
}

async function enrol(
  server: BenchServer,
  listeners: number,
  send: (members: readonly number[]) => Promise<void>,
): Promise<void> {
  const members = Array.from({ length: listeners }, (_, member) => member);
  await send(members);
  const token = await server.token('operator', 'relations:write');
  for (let from = 0; from < listeners; from += 250) {
    const changes = members.slice(from, from + 250).map((member) => ({
      operation: 'touch',
      relationship: `member:${idOf(member)}#guardian@user:${readerOf(member)}`,
    }));
    await server.post(token, '/v1/relations', JSON.stringify({ changes }));
  }
}

const readerOf = (member: number): string => `reader-${Math.floor(member / STREAMS_A_READER)}`;

async function listenAll(
  server: BenchServer,
  listeners: number,
  onHeard: (member: number) => void,
): Promise<() => void> {
  const open: (() => void)[] = [];
  let token = '';
  for (let member = 0; member < listeners; member += 1) {
    if (member % STREAMS_A_READER === 0) token = await server.token(readerOf(member));
    open.push(await listenTo(server, token, member, onHeard));
  }
  return () => open.forEach((close) => void close());
}

/** Resolves with the acknowledgement; after it every update is told. */
async function listenTo(
  server: BenchServer,
  token: string,
  member: number,
  onHeard: (member: number) => void,
): Promise<() => void> {
  const uri = `mcp://twins/member/${idOf(member)}/profile`;
  const { headers, body } = modernMessage('subscriptions/listen', {
    notifications: { resourceSubscriptions: [uri] },
  });
  const { host, hostname, port } = new URL(server.url);
  const all = [['Host', host], ['Authorization', `Bearer ${token}`], ...headers].flat();
  return await new Promise((resolve, reject) => {
    const to = { hostname, port, path: '/mcp', method: 'POST', headers: all, agent: false };
    const req = request({ ...to, setHost: false }, (res) => {
      res.setEncoding('utf8').on('error', () => undefined);
      res.on('data', (text: string) => {
        if (text.includes('acknowledged')) resolve(() => req.destroy());
        for (const _ of text.matchAll(/resources\/updated/g)) onHeard(member);
      });
    });
    req.on('error', reject).end(body);
  });
}

interface Sent {
  readonly member: number;
  readonly round: number;
  readonly atMs: number;
}

/** Members in turn, so that each is said once in `listeners / rate` seconds. */
async function schedule(
  listeners: number,
  rate: number,
  seconds: number,
  send: (members: readonly number[], version: number) => Promise<void>,
): Promise<Sent[]> {
  const sent: Sent[] = [];
  const began = performance.now();
  const sending: Promise<void>[] = [];
  while (performance.now() - began < seconds * 1_000) {
    const due = Math.floor(((performance.now() - began) * rate) / 1_000);
    const batch = Array.from({ length: due - sent.length }, (_, index) => sent.length + index);
    const atMs = performance.now();
    for (const one of batch) {
      sent.push({ member: one % listeners, round: Math.floor(one / rate), atMs });
    }
    const version = 1 + Math.floor(due / listeners);
    if (batch.length > 0)
      sending.push(
        send(
          batch.map((one) => one % listeners),
          version,
        ),
      );
    await sleep(STEP_MS);
  }
  await Promise.all(sending);
  return sent;
}

/**
 * An update belongs to the newest fact about its member that was said before it: several that came
 * close are told as one. So a wait longer than a member's own pause between two facts would look
 * short; `settled` is what tells of it.
 */
function latencies(sent: readonly Sent[], heard: readonly Heard[], after: number): number[] {
  const said = Map.groupBy(sent.slice(after), ({ member }) => member);
  return heard.flatMap(({ member, atMs }) => {
    const last = said.get(member)?.findLast((one) => one.atMs <= atMs);
    return last === undefined ? [] : [atMs - last.atMs];
  });
}

/** How long after the last fact the last update came. */
function settled(sent: readonly Sent[], heard: readonly Heard[]): number {
  return Math.max(0, (heard.at(-1)?.atMs ?? 0) - (sent.at(-1)?.atMs ?? 0));
}
