import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleOf, patient } from '../test/support/changes.ts';
import { modernMessage } from '../test/support/raw.ts';
import { processCpuMs } from './cpu.ts';
import { type Listeners, openListeners } from './fanout/listeners.ts';
import {
  type BenchServer,
  percentile,
  progress,
  type Row,
  report,
  startServer,
} from './harness.ts';
import { startPeer, wireOf } from './peer.ts';
import { residentKb } from './process.ts';

const LISTENERS = 5_000;
/** Below the cap of one principal (kernel/limits.ts). */
const STREAMS_A_READER = 50;
const EVENTS = 20;
const URI = 'mcp://twins/member/wide/profile';
/** What is on its way when streams were opened comes to rest. */
const REST_MS = 3_000;

interface Side {
  readonly name: string;
  readonly pid: number;
  readonly listeners: Listeners;
  /** Resident memory, KB a stream. */
  readonly streamKiB: number;
  tell(): Promise<void>;
}

/**
 * One event to 5,000 listeners: server CPU, time to the last of them and memory a stream, beside the
 * official SDK's handler and node:http, in turns. Ours checks each stream's principal and audits the delivery.
 */
export async function benchFanout(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'twin-fanout-'));
  const stops: (() => Promise<void>)[] = [];
  try {
    const sides = [
      await ours(join(folder, 'data'), stops),
      await peer('sdk', 'the bare SDK', stops),
      await peer('writes', 'node:http alone', stops),
    ];
    const costs = sides.map((): { cpu: number[]; last: number[]; load: number[] } => ({
      cpu: [],
      last: [],
      load: [],
    }));
    for (let event = 0; event <= EVENTS; event += 1) {
      progress(`event ${event} of ${EVENTS}`);
      for (const [index, side] of sides.entries()) {
        const cost = await costOf(side);
        if (event === 0) continue;
        costs[index]?.cpu.push(cost.cpu);
        costs[index]?.last.push(cost.last);
        costs[index]?.load.push(cost.load);
      }
    }
    const median = (side: number, what: 'cpu' | 'last' | 'load'): number =>
      percentile(costs[side]?.[what] ?? [], 50);
    const rows = sides.flatMap(({ name, streamKiB }, index): Row[] => [
      { what: `${name}: server CPU of an event`, value: median(index, 'cpu'), unit: 'ms' },
      { what: `${name}: until the last was told`, value: median(index, 'last'), unit: 'ms' },
      { what: `${name}: listeners' own CPU`, value: median(index, 'load'), unit: 'ms' },
      { what: `${name}: memory a stream`, value: streamKiB, unit: 'KiB' },
    ]);
    const [own, theirs] = sides;
    const memory = (own?.streamKiB ?? 0) / (theirs?.streamKiB ?? 1);
    const cpu = median(0, 'cpu') / median(1, 'cpu');
    rows.push(
      { what: 'CPU beside the SDK', value: cpu, unit: 'times', bar: '0.33' },
      { what: 'memory beside the SDK', value: memory, unit: 'times', bar: '0.7' },
    );
    report('fanout', { listeners: LISTENERS, events: EVENTS }, rows);
  } finally {
    for (const stop of stops.reverse()) await stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function costOf({ pid, listeners, tell }: Side) {
  const before = processCpuMs(pid);
  const { user, system } = process.cpuUsage();
  const began = performance.now();
  const heard = listeners.heard();
  await tell();
  await heard;
  const last = performance.now() - began;
  const load = process.cpuUsage({ user, system });
  return { cpu: processCpuMs(pid) - before, last, load: (load.user + load.system) / 1_000 };
}

async function ours(dataDir: string, stops: (() => Promise<void>)[]): Promise<Side> {
  const server = await startServer(dataDir, { REQUESTS_PER_SECOND: '1000000' });
  stops.push(() => server.stop());
  const importing = await server.token('operator', 'sources:write');
  let version = 0;
  const tell = async (): Promise<void> => {
    version += 1;
    const lastUpdated = new Date(Date.UTC(2026, 0, 1) + version * 1_000).toISOString();
    const name = [{ family: `Version ${version}`, given: ['Wide'] }];
    const bundle = bundleOf(patient('wide', { meta: { lastUpdated }, name }));
    await server.post(importing, '/v1/sources?source=bench', bundle);
  };
  await tell();
  const readers = Array.from({ length: LISTENERS / STREAMS_A_READER }, (_, n) => `reader-${n}`);
  await relate(server, readers);
  const tokens = await Promise.all(readers.map((reader) => server.token(reader)));
  // What somebody has read is no news to their new subscription.
  for (const token of tokens) await server.get(token, '/v1/twins/member/wide/profile');
  const requests = Array.from({ length: LISTENERS }, (_, n) =>
    requestFor(server.url, tokens[n % tokens.length]),
  );
  return await sideOf('ours', server.pid, Number(new URL(server.url).port), requests, {
    tell,
    stops,
  });
}

async function relate(server: BenchServer, readers: readonly string[]): Promise<void> {
  const token = await server.token('operator', 'relations:write');
  const changes = readers.map((reader) => ({
    operation: 'touch',
    relationship: `member:wide#delegate@user:${reader}`,
  }));
  await server.post(token, '/v1/relations', JSON.stringify({ changes }));
}

async function peer(
  kind: 'sdk' | 'writes',
  name: string,
  stops: (() => Promise<void>)[],
): Promise<Side> {
  const script = new URL('./fanout/peer.ts', import.meta.url);
  const { child, port, pid } = await startPeer(script, [kind, URI, String(LISTENERS + 1)]);
  stops.push(async () => {
    child.kill('SIGTERM');
    await once(child, 'close');
  });
  const url = `http://127.0.0.1:${port}`;
  const tell = async (): Promise<void> => {
    await fetch(`${url}/tell`, { method: 'POST' });
  };
  const requests = Array.from({ length: LISTENERS }, () => requestFor(url));
  return await sideOf(name, pid, port, requests, { tell, stops });
}

async function sideOf(
  name: string,
  pid: number,
  port: number,
  requests: readonly string[],
  { tell, stops }: { readonly tell: Side['tell']; readonly stops: (() => Promise<void>)[] },
): Promise<Side> {
  await sleep(REST_MS);
  const before = residentKb(pid);
  const listeners = await openListeners(port, requests, (open) =>
    progress(`${name}: ${open} open`),
  );
  stops.push(async () => listeners.close());
  await sleep(REST_MS);
  const streamKiB = (residentKb(pid) - before) / LISTENERS;
  return { name, pid, listeners, streamKiB, tell };
}

function requestFor(url: string, token?: string): string {
  const params = { notifications: { resourceSubscriptions: [URI] } };
  return wireOf(url, modernMessage('subscriptions/listen', params), token);
}
