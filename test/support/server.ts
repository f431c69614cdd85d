import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../src/kernel/clock.ts';

/** A real server in a process of its own, on a fresh data directory and a free port. */
export interface TestServer {
  readonly url: string;
  readonly key: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly output: () => string;
  token(as: string, more?: Readonly<Record<string, unknown>>): Promise<string>;
  /** The code by which somebody logs in on a page, once. */
  loginCode(as: string): Promise<string>;
  /** A plain HTTP request with a token. */
  fetch(token: string, path: string, init?: RequestInit): Promise<Response>;
  relations(operation: 'touch' | 'delete', ...relationships: string[]): Promise<void>;
  importBundle(bundle: string | Uint8Array<ArrayBuffer>, source?: string): Promise<Response>;
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

export interface ServerOptions {
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments of `serve`. */
  readonly args?: readonly string[];
}

const START_DEADLINE_MS = 60_000;
export const LAUNCHER = new URL('../../bin/digital-twin.js', import.meta.url).pathname;

export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await ownDirectory());
  await rm(join(dataDir, 'server.json'), { force: true });
  const more = options.args ?? [];
  const args = [LAUNCHER, 'serve', '--port', '0', '--data-dir', dataDir, ...more];
  const env = { ...process.env, LOG_LEVEL: 'warn', ...options.env };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const file = await ready(child, dataDir, () => output);
  return handle(child, file, dataDir, () => output);
}

/** A data directory that goes with the tests of this file. */
async function ownDirectory(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-test-'));
  process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  return dataDir;
}

interface ServerFile {
  readonly url: string;
  readonly key: string;
  readonly pid: number;
}

async function ready(
  child: ChildProcess,
  dataDir: string,
  output: () => string,
): Promise<ServerFile> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${output()}`);
    try {
      const file = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')) as ServerFile;
      if ((await fetch(`${file.url}/readyz`)).ok) return file;
    } catch {
      // Not there yet.
    }
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error(`the server was not ready in time: ${output()}`);
}

function handle(
  child: ChildProcess,
  { url, key, pid }: ServerFile,
  dataDir: string,
  output: () => string,
): TestServer {
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const developed = async <T>(path: string, asked: object): Promise<T> => {
    const response = await fetch(`${url}/oauth/dev/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    });
    if (!response.ok) throw new Error(`no ${path}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const token = async (as: string, more: Readonly<Record<string, unknown>> = {}) =>
    (await developed<{ access_token: string }>('token', { as, ...more })).access_token;
  const send = (bearer: string, path: string, init: RequestInit = {}) => {
    const headers = {
      authorization: `Bearer ${bearer}`,
      ...(init.headers as Record<string, string>),
    };
    return fetch(url + path, { ...init, headers });
  };
  return {
    url,
    key,
    dataDir,
    pid,
    output,
    token,
    loginCode: async (as) => (await developed<{ code: string }>('login-code', { as })).code,
    fetch: send,
    async relations(operation, ...relationships) {
      const changes = relationships.map((relationship) => ({ operation, relationship }));
      const response = await send(
        await token('operator', { scope: 'relations:write' }),
        '/v1/relations',
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ changes }),
        },
      );
      if (!response.ok) throw new Error(`relations: ${await response.text()}`);
    },
    async importBundle(bundle, source = 'test') {
      const bearer = await token('operator', { scope: 'sources:write' });
      return await send(bearer, `/v1/sources?source=${source}`, {
        method: 'POST',
        headers: { 'content-type': 'application/fhir+json' },
        body: bundle,
      });
    },
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
