import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { sleep } from '../src/kernel/clock.ts';
import { freePort } from '../tools/parts/ports.ts';
import { startRedis } from '../tools/parts/redis.ts';
import { Churn, type ChurnCounts } from './gateway/churn.ts';
import { type Enrolled, enrol } from './gateway/enrol.ts';
import { type BenchServer, progress, type Row, report, startServer } from './harness.ts';
import { heldHeapKb, openFiles, residentKb, slopeOf } from './process.ts';

const OPENED_PER_SECOND = 200;
const MEMBERS = 1_000;
/** Connections of one principal at most: 64. These have ten at a time on the average. */
const MEMBERS_A_READER = 10;
const EVENTS_PER_SECOND = 20;
/** Tokens live for an hour: others long before. */
const TOKENS_EVERY_MS = 600_000;
/** Each of them with a collection. */
const SAMPLE_EVERY_MS = 15_000;
/** What is compiled and kept for good once is there after this share. */
const WARM_SHARE = 0.2;
const PUBLISH_SCOPE = 'events:publish:call.join';
const SHOWN_TRIES = 100;
/** Sockets, timers and the like that the server's loop holds. */
const HANDLES = 'nodejs_active_handles_total';
const IDLE_MS = 8_000;
const SETTLE_WITHIN_MS = 20_000;

interface Sample {
  readonly second: number;
  readonly residentKb: number;
  /** Held on the main thread, after a collection. */
  readonly heapKb: number;
  readonly files: number;
  readonly live: number;
}

interface Setting {
  readonly server: BenchServer;
  readonly enrolled: Enrolled;
  readonly store: Redis;
  /** Port of the server's inspector. */
  readonly inspector: number;
  readonly seconds: number;
}

/**
 * T21: 200 connections a second come and go on a whole server with Redis, each with a token and a
 * subscription, some with a close frame and some without, while events are told. What is looked at:
 * memory, by a line through the samples; the registry in Redis against the sockets that are open;
 * files and handles when all are gone.
 */
export async function benchGatewayChurn(seconds: number): Promise<void> {
  const redis = await startRedis({}, progress);
  const store = new Redis(redis.env.REDIS_URL ?? '');
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-churn-'));
  const inspector = await freePort();
  const server = await startServer(dataDir, {
    ...{ ...redis.env, REQUESTS_PER_SECOND: '1000000' },
    NODE_OPTIONS: `--inspect=127.0.0.1:${inspector}`,
  });
  try {
    const enrolled = await enrol(server, MEMBERS, MEMBERS_A_READER);
    const { rows, samples, counts } = await churned({
      server,
      enrolled,
      store,
      inspector,
      seconds,
    });
    report(
      'gateway-churn',
      {
        ...{ seconds, openedPerSecond: OPENED_PER_SECOND, members: MEMBERS },
        ...{ eventsPerSecond: EVENTS_PER_SECOND, counts, samples },
      },
      rows,
    );
  } finally {
    store.disconnect();
    await server.stop();
    await redis.stop();
    await rm(dataDir, { recursive: true });
  }
}

async function churned(setting: Setting) {
  const { server, enrolled, store, seconds } = setting;
  const { port } = new URL(server.url);
  let tokens = await enrolled.tokens();
  const churn = new Churn({
    perSecond: OPENED_PER_SECOND,
    of(index) {
      const member = index % MEMBERS;
      const token = tokens[Math.floor(member / MEMBERS_A_READER)] ?? '';
      const url = `ws://127.0.0.1:${port}/v1/ws?token=${token}`;
      return { url, member: enrolled.idOf(member) };
    },
  });
  await shown(server, enrolled);
  // The connections of the preparations go when they are idle.
  await sleep(IDLE_MS);
  const before = await metric(server, HANDLES);
  const filesBefore = openFiles(server.pid);
  const cpu = process.cpuUsage();
  const samples: Sample[] = [];
  const began = performance.now();
  const second = (): number => (performance.now() - began) / 1_000;
  const timers = [
    setInterval(() => {
      sampleOf(setting, Math.round(second()), churn.live).then((sample) => {
        samples.push(sample);
        process.stderr.write(`${sample.second} of ${seconds} s: ${JSON.stringify(sample)}\n`);
      }, fail);
    }, SAMPLE_EVERY_MS),
    setInterval(() => {
      enrolled.tokens().then((newer) => {
        tokens = newer;
      }, fail);
    }, TOKENS_EVERY_MS),
  ];
  churn.start();
  const events = await publishing(server, enrolled, () => second() < seconds);
  for (const timer of timers) clearInterval(timer);
  const live = await churn.hold();
  const registered = await settled(() => registeredIn(store), live);
  const { user, system } = process.cpuUsage(cpu);
  const counts = { ...churn.counts, events };
  await churn.end();
  const left = await settled(() => registeredIn(store), 0);
  const files = (await settled(async () => openFiles(server.pid), filesBefore)) - filesBefore;
  const handlesLeft = (await metric(server, HANDLES)) - before;
  const generator = (user + system) / 1e6 / second();
  const found = { live, registered, left, files, handlesLeft, generator };
  return { samples, counts, rows: rowsOf(samples, counts, found) };
}

async function sampleOf(
  { server, inspector }: Setting,
  second: number,
  live: number,
): Promise<Sample> {
  const heapKb = await heldHeapKb(inspector);
  const { pid } = server;
  return { second, live, residentKb: residentKb(pid), heapKb, files: openFiles(pid) };
}

interface Found {
  readonly live: number;
  readonly registered: number;
  readonly left: number;
  readonly files: number;
  readonly handlesLeft: number;
  readonly generator: number;
}

function rowsOf(samples: readonly Sample[], counts: ChurnCounts, found: Found): Row[] {
  const warm = samples.slice(Math.floor(samples.length * WARM_SHARE));
  const perMinute = (of: (sample: Sample) => number): number =>
    slopeOf(warm.map((one) => [one.second / 60, of(one)]));
  return [
    { what: 'connections that came and went', value: counts.subscribed, unit: '' },
    { what: 'ended by the server', value: counts.lost, unit: '', bar: '0' },
    { what: 'subscriptions refused for now', value: counts.refused, unit: '', bar: '0' },
    {
      what: 'resident, slope after warm-up',
      value: perMinute((s) => s.residentKb),
      unit: 'KB/min',
    },
    { what: 'heap held, slope after warm-up', value: perMinute((s) => s.heapKb), unit: 'KB/min' },
    { what: 'resident at the end', value: warm.at(-1)?.residentKb ?? Number.NaN, unit: 'KB' },
    { what: 'sockets open at the end', value: found.live, unit: '' },
    {
      ...{ what: 'entries in the registry then', value: found.registered, unit: '' },
      bar: String(found.live),
    },
    { what: 'entries once all are gone', value: found.left, unit: '', bar: '0' },
    { what: 'files more than before', value: found.files, unit: '', bar: '0' },
    { what: 'handles more than before', value: found.handlesLeft, unit: '', bar: '0' },
    { what: 'CPU of the generator', value: 100 * found.generator, unit: '% of a core' },
  ];
}

/** The view shows the member that was imported last; then it shows all. */
async function shown(server: BenchServer, { idOf }: Enrolled): Promise<void> {
  const token = await server.token('operator', PUBLISH_SCOPE);
  const body = callOf(idOf(MEMBERS - 1), 'shown');
  for (let tries = 1; ; tries += 1) {
    try {
      return void (await server.post(token, '/v1/events', body));
    } catch (error) {
      if (tries >= SHOWN_TRIES) throw error;
      await sleep(200);
    }
  }
}

function callOf(member: string, id: string): string {
  const data = { callId: `of-${id}`, data: '{}' };
  return JSON.stringify({ type: 'call.join', member, id: `churn-${id}`, data });
}

/** Calls of random members at a fixed rate, while there is time; answers how many. */
async function publishing(server: BenchServer, { idOf }: Enrolled, isTime: () => boolean) {
  const newToken = () => server.token('operator', PUBLISH_SCOPE);
  let token = await newToken();
  let [sent, renewedAt] = [0, performance.now()];
  while (isTime()) {
    if (performance.now() - renewedAt > TOKENS_EVERY_MS) {
      [token, renewedAt] = [await newToken(), performance.now()];
    }
    const member = idOf(Math.floor(Math.random() * MEMBERS));
    const body = callOf(member, String(sent));
    await Promise.all([server.post(token, '/v1/events', body), sleep(1_000 / EVENTS_PER_SECOND)]);
    sent += 1;
  }
  return sent;
}

/** Over all members: `…:ws:member:{id}` is a sorted set of connections (docs/gateway.md). */
async function registeredIn(store: Redis): Promise<number> {
  let total = 0;
  for await (const keys of store.scanStream({ match: '*:ws:member:*', count: 1_000 })) {
    const counts = await Promise.all((keys as string[]).map((key) => store.zcard(key)));
    total += counts.reduce((sum, count) => sum + count, 0);
  }
  return total;
}

/** What it comes to be within some time: the wanted, or the last that was seen. */
async function settled(look: () => Promise<number>, wanted: number): Promise<number> {
  const until = performance.now() + SETTLE_WITHIN_MS;
  let seen = await look();
  while (seen !== wanted && performance.now() < until) {
    await sleep(500);
    seen = await look();
  }
  return seen;
}

async function metric(server: BenchServer, name: string): Promise<number> {
  const token = await server.token('operator', 'admin');
  const headers = { authorization: `Bearer ${token}` };
  const text = await (await fetch(`${server.url}/metrics`, { headers })).text();
  return Number(new RegExp(`^${name} (?<value>\\S+)$`, 'm').exec(text)?.groups?.value);
}

function fail(error: unknown): never {
  throw error;
}
