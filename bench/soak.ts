/**
 * `npm run soak -- --minutes 60`: one instance on a real Kafka and Redis under a steady load, with
 * subscribers that stay and others that come and go. Memory, files and the event loop are looked at
 * each minute; at the end the ledger is compared and the audit verified. Never in CI.
 */

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { sleep } from '../src/kernel/clock.ts';
import { readDocument } from '../test/support/ask.ts';
import { type Cluster, cluster } from '../test/support/cluster.ts';
import { heldHeap, WITH_INSPECTOR } from '../test/support/heap.ts';
import { Ledger, profileOf } from '../test/support/ledger.ts';
import type { TestServer } from '../test/support/server.ts';
import { listen } from '../test/support/streams.ts';
import { startKafka } from '../tools/parts/kafka.ts';
import { startRedis } from '../tools/parts/redis.ts';
import { progress, type Row, report } from './harness.ts';

const HELP = `npm run soak -- [--minutes N]

  One instance on Kafka and Redis for N minutes (60): writes, reads, streams that come and go. Fails
  where a write was lost or told wrongly, or the audit does not verify. Writes bench/results/soak.json.
`;
const MEMBERS = Array.from({ length: 20 }, (_, index) => `soak-${index}`);
const [READER, WATCHER, OUTSIDER] = ['reader', 'watcher', 'outsider'] as const;
const WRITE_EVERY_MS = 100;
const READ_EVERY_MS = 20;
const STREAM_EVERY_MS = 200;
const SAMPLE_EVERY_MS = 60_000;
/** What is compiled and kept for good once is there after this time. */
const WARM_SHARE = 0.2;

interface Sample {
  readonly minute: number;
  readonly heapMiB: number;
  readonly residentMiB: number;
  readonly files: number;
  readonly loopP99Ms: number;
}

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, help: { type: 'boolean' } },
});
const minutes = Number(values.minutes);
if (values.help === true || !(minutes > 0)) {
  process.stdout.write(HELP);
  process.exitCode = values.help === true ? 0 : 2;
} else await soak();

async function soak(): Promise<void> {
  const kafka = await startKafka({}, progress);
  const redis = await startRedis({}, progress);
  let group: Cluster | undefined;
  let ledger: Ledger | undefined;
  try {
    group = await cluster({
      ...{ KAFKA_BROKERS: kafka.address, ...redis.env, REQUESTS_PER_SECOND: '1000' },
      ...WITH_INSPECTOR,
    });
    const server = await group.start();
    ledger = new Ledger(MEMBERS, { brokers: kafka.address, prefix: '' });
    for (const member of MEMBERS) assert.equal(await ledger.write(server, member), 'written');
    for (const who of [READER, WATCHER]) {
      await server.relations('touch', ...MEMBERS.map((id) => `member:${id}#self@user:${who}`));
    }
    await server.relations('touch', 'organization:demo#privacy_officer@user:operator');
    ledger.watch(() => server, WATCHER, OUTSIDER);
    const { samples, done } = await loaded(server, ledger);
    progress('');
    await ledger.check([server], READER);
    await verified(server);
    report('soak', { minutes, ...done, samples }, rowsOf(samples));
  } finally {
    await ledger?.stop();
    await group?.stop();
    await redis.stop();
    await kafka.stop();
  }
}

async function loaded(server: TestServer, ledger: Ledger) {
  const until = Date.now() + minutes * 60_000;
  const done = { writes: 0, reads: 0, streams: 0, unsure: 0 };
  const memberAt = (n: number): string => MEMBERS[n % MEMBERS.length] ?? '';
  const every = async (ms: number, work: (n: number) => Promise<void>): Promise<void> => {
    for (let n = 0; Date.now() < until; n += 1) await Promise.all([work(n), sleep(ms)]);
  };
  const samples: Sample[] = [];
  await Promise.all([
    every(WRITE_EVERY_MS, async (n) => {
      const outcome = await ledger.write(server, memberAt(n));
      done[outcome === 'written' ? 'writes' : 'unsure'] += 1;
    }),
    every(READ_EVERY_MS, async (n) => {
      await readDocument(server, await server.token(READER), profileOf(memberAt(n)));
      done.reads += 1;
    }),
    every(STREAM_EVERY_MS, async (n) => {
      const stream = await listen(server, await server.token(READER), [profileOf(memberAt(n))]);
      await sleep(STREAM_EVERY_MS * (n % 5));
      stream.close();
      done.streams += 1;
    }),
    every(SAMPLE_EVERY_MS, async (minute) => {
      samples.push(await sampleOf(server, minute));
      progress(`minute ${minute} of ${minutes}: ${done.writes} writes, ${done.reads} reads`);
    }),
  ]);
  samples.push(await sampleOf(server, minutes));
  return { samples, done };
}

async function sampleOf(server: TestServer, minute: number): Promise<Sample> {
  const token = await server.token('operator', { scope: 'admin' });
  const text = await (await server.fetch(token, '/metrics')).text();
  const metric = (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    minute,
    heapMiB: (await heldHeap(server)) / 2 ** 20,
    residentMiB: metric('process_resident_memory_bytes') / 2 ** 20,
    files: (await readdir(`/proc/${server.pid}/fd`)).length,
    loopP99Ms: metric('nodejs_eventloop_lag_p99_seconds') * 1_000,
  };
}

async function verified(server: TestServer): Promise<void> {
  const token = await server.token('operator', { scope: 'audit:read' });
  const response = await server.fetch(token, '/v1/audit/verify');
  const proof = (await response.json()) as { ok?: boolean };
  assert.equal(proof.ok, true, JSON.stringify(proof));
}

function rowsOf(samples: readonly Sample[]): Row[] {
  const warm = samples.slice(Math.floor(samples.length * WARM_SHARE));
  const slope = (of: (sample: Sample) => number): number =>
    slopeOf(warm.map((s) => [s.minute, of(s)]));
  const last = warm.at(-1);
  return [
    { what: 'heap held at the end', value: last?.heapMiB ?? Number.NaN, unit: 'MiB' },
    { what: 'heap held, an hour', value: slope((s) => s.heapMiB) * 60, unit: 'MiB more' },
    { what: 'resident at the end', value: last?.residentMiB ?? Number.NaN, unit: 'MiB' },
    { what: 'resident, an hour', value: slope((s) => s.residentMiB) * 60, unit: 'MiB more' },
    { what: 'open files, an hour', value: slope((s) => s.files) * 60, unit: 'more' },
    {
      what: 'event loop held up, p99 of the worst minute',
      value: Math.max(...warm.map((s) => s.loopP99Ms)),
      unit: 'ms',
      bar: '20',
    },
  ];
}

/** Least squares. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const top = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return top / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}
