/** What every benchmark needs: a server of its own, percentiles, a table, a result with its place. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = new URL('..', import.meta.url).pathname;
const READY_WITHIN_MS = 600_000;
/** Before we began: whose processors they were. */
const LOAD = loadavg()[0];

export interface BenchServer {
  readonly url: string;
  readonly pid: number;
  token(as: string, scope?: string): Promise<string>;
  post(token: string, path: string, body: string): Promise<unknown>;
  get(token: string, path: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts a server on a data directory; resolves when it is ready, with how long that took. */
export async function startServer(
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchServer & { readonly readyMs: number }> {
  const began = performance.now();
  const args = [join(ROOT, 'bin/digital-twin.js'), 'serve', '--port', '0', '--data-dir', dataDir];
  const env = { ...process.env, DEMO: 'off', LOG_LEVEL: 'warn', ...settings };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const { url, key, pid } = await ready(child, dataDir);
  const readyMs = performance.now() - began;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const send = async (token: string, path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(url + path, { ...init, headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as unknown;
  };
  return {
    url,
    pid,
    readyMs,
    post: (token, path, body) => send(token, path, { method: 'POST', body }),
    get: (token, path) => send(token, path),
    async token(as, scope) {
      const body = JSON.stringify({ as, ...(scope !== undefined && { scope }) });
      const answer = await send(key, '/oauth/dev/token', { method: 'POST', body });
      return (answer as { access_token: string }).access_token;
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function ready(child: ChildProcess, dataDir: string) {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    try {
      const text = readFileSync(join(dataDir, 'server.json'), 'utf8');
      const file = JSON.parse(text) as { url: string; key: string; pid: number };
      if (file.pid === child.pid && (await fetch(`${file.url}/readyz`)).ok) return file;
    } catch {
      // Not there yet.
    }
    await sleep(20);
  }
  child.kill('SIGKILL');
  throw new Error('the server was not ready');
}

/** Nearest-rank percentile of milliseconds. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The bar of the issue, where there is one. */
  readonly bar?: string;
}

/** Prints the table and writes `bench/results/{name}.json` with date, commit and machine. */
export function report(name: string, setting: Record<string, unknown>, rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ what }) => what.length));
  for (const { what, value, unit, bar } of rows) {
    const number = value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 });
    const against = bar === undefined ? '' : `   (bar: ${bar})`;
    process.stdout.write(`${what.padEnd(width)}  ${number.padStart(10)} ${unit}${against}\n`);
  }
  const result = {
    name,
    date: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim(),
    machine: {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
      load: LOAD,
    },
    setting,
    rows,
  };
  mkdirSync(join(ROOT, 'bench/results'), { recursive: true });
  writeFileSync(join(ROOT, `bench/results/${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** A line that is written over on a terminal, and not at all elsewhere. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\u001b[K`);
}
