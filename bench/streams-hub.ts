import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Hub } from '../src/mcp/subscriptions/hub.ts';
import type { Sink } from '../src/mcp/subscriptions/stream.ts';
import { COVERAGE, changeOf, principal, rig } from '../src/mcp/subscriptions/test/rig.ts';

/** Below the cap of one principal, and two tenants, below the cap of one (kernel/limits.ts). */
const STREAMS_A_READER = 50;
const TENANTS = 2;
/** Longer than the benchmark. */
const TOKEN_LIFE_MS = 3_600_000;

/** A hub in a thread, hence with a heap of its own, among streams that no event is about. */
export interface HubAmong {
  /** CPU microseconds of one event to its one subscriber, over this many. */
  cost(events: number): Promise<number>;
  stop(): Promise<void>;
}

export async function startHubAmong(foreign: number): Promise<HubAmong> {
  const worker = new Worker(new URL(import.meta.url), { workerData: foreign });
  await once(worker, 'message');
  return {
    async cost(events) {
      worker.postMessage(events);
      const [microseconds] = (await once(worker, 'message')) as [number];
      return microseconds;
    },
    stop: async () => void (await worker.terminate()),
  };
}

async function serve(foreign: number): Promise<void> {
  const { parts, change, audited } = rig();
  const hub = new Hub(parts);
  await hub.start();
  const open = async (reader: string, tenant: string, uri: string, sink: Sink): Promise<void> => {
    const owner = principal(reader, { tenant, expiresAtMs: Date.now() + TOKEN_LIFE_MS });
    await hub.open('listen', owner, sink).add({ principal: owner, correlationId: 'bench' }, [uri]);
  };
  const strays = sinkFor(() => {
    throw new Error('a foreign stream was told');
  });
  for (let n = 0; n < foreign; n += 1) {
    const reader = Math.floor(n / STREAMS_A_READER);
    const uri = `mcp://twins/member/foreign-${n}/coverage`;
    await open(`reader-${reader}`, `tenant-${reader % TENANTS}`, uri, strays);
  }
  let told = (): void => undefined;
  await open(
    'own',
    'demo',
    COVERAGE,
    sinkFor(() => told()),
  );
  let offset = 0;
  const event = (): Promise<void> =>
    new Promise((resolve) => {
      told = resolve;
      offset += 1;
      change(changeOf(COVERAGE, offset));
    });
  parentPort?.on('message', (events: number) => void measure(events));
  const measure = async (events: number): Promise<void> => {
    const before = process.threadCpuUsage();
    for (let n = 0; n < events; n += 1) await event();
    const { user, system } = process.threadCpuUsage(before);
    audited.length = 0;
    parentPort?.postMessage((user + system) / events);
  };
  parentPort?.postMessage('ready');
}

function sinkFor(send: () => void): Sink {
  const ended = (): void => {
    throw new Error('a stream was ended');
  };
  return {
    ready: () => true,
    send() {
      send();
      return Promise.resolve(true);
    },
    ...{ expired: ended, revoked: ended, unverifiable: ended },
  };
}

if (!isMainThread) await serve(workerData as number);
