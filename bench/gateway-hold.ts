import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../tools/parts/ports.ts';
import { report } from './harness.ts';

/** A process may hold 20,000 files here, on either side. */
const PROCESSES = 4;
const LOOK_MS = 5_000;

interface Stand {
  readonly connections: number;
  readonly subscriptions: number;
  readonly rss: number;
}

/**
 * So many connections, each with a token and a subscription, over four processes on one port
 * (`reusePort`), held for some time. The gateway alone: rights are granted by a stub, so that what is
 * measured is connections, memory and who is lost.
 */
export async function benchGatewayHold(connections: number, seconds: number): Promise<void> {
  const port = await freePort();
  const servers = await Promise.all(
    Array.from({ length: PROCESSES }, () => started('holder', [port])),
  );
  const before = sum(await stands(servers), ({ rss }) => rss);
  const each = Math.ceil(connections / PROCESSES);
  const began = performance.now();
  const crowds = await Promise.all(
    Array.from({ length: PROCESSES }, (_, n) => started('holding', [port, n * each, each])),
  );
  const connectedMs = performance.now() - began;
  await sleep(LOOK_MS);
  const full = await stands(servers);
  const memory = (sum(full, ({ rss }) => rss) - before) / (each * PROCESSES) / 1_024;
  await sleep(seconds * 1_000);
  const still = sum(await stands(servers), ({ subscriptions }) => subscriptions);
  const closed = sum(
    await Promise.all(crowds.map((one) => asked<{ closed: number }>(one))),
    (one) => one.closed,
  );
  for (const child of servers) child.kill('SIGKILL');
  const spread = full.map((one) => one.connections);
  report('gateway-hold', { connections: each * PROCESSES, seconds, processes: PROCESSES, spread }, [
    {
      what: 'all connected and subscribed within',
      value: connectedMs / 1_000,
      unit: 's',
      bar: '15',
    },
    { what: 'memory a connection', value: memory, unit: 'KB', bar: '20' },
    { what: 'subscribed at the end', value: still, unit: '', bar: String(each * PROCESSES) },
    { what: 'dropped meanwhile', value: closed, unit: '', bar: '0' },
  ]);
}

async function started(name: string, args: readonly number[]): Promise<ChildProcess> {
  const child = fork(new URL(`./gateway/${name}.ts`, import.meta.url), args.map(String));
  await once(child, 'message');
  return child;
}

function stands(servers: readonly ChildProcess[]): Promise<Stand[]> {
  return Promise.all(servers.map((one) => asked<Stand>(one)));
}

async function asked<T>(child: ChildProcess): Promise<T> {
  const answer = once(child, 'message');
  child.send('stand');
  const [stand] = (await answer) as [T];
  return stand;
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
