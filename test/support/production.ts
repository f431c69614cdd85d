import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, statfs } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../src/kernel/clock.ts';
import { freePort } from '../../tools/parts/ports.ts';
import { LAUNCHER } from './server.ts';

export interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** A server with `NODE_ENV=production`, and the commands of whoever runs it. */
export interface Production {
  readonly url: string;
  readonly audience: string;
  readonly env: Readonly<Record<string, string>>;
  readonly dataDir: string;
  run(...args: string[]): Promise<Ran>;
  /** Resolves when it is ready, with what it printed so far. */
  start(): Promise<void>;
  output(): string;
  stop(): Promise<number | null>;
}

const PUBLIC_URL = 'https://twin.example.org';
const START_DEADLINE_MS = 60_000;
/** File systems that production refuses (`src/operations/start-probes.ts`). */
const VOLATILE = [0x01021994, 0x858458f6, 0x794c7630];

export async function production(more: Readonly<Record<string, string>>): Promise<Production> {
  const dataDir = await mkdtemp(join(await durableDirectory(), 'twin-production-'));
  process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  const port = await freePort();
  const env = {
    ...{ NODE_ENV: 'production', PORT: String(port), PUBLIC_URL, DATA_DIR: dataDir },
    ...{ LOG_LEVEL: 'warn', ...more },
  };
  let child: ChildProcess | undefined;
  let output = '';
  const launch = (args: readonly string[]) =>
    spawn(process.execPath, [LAUNCHER, ...args], { env: { ...process.env, ...env } });
  return {
    url: `http://127.0.0.1:${port}`,
    audience: `${PUBLIC_URL}/mcp`,
    env,
    dataDir,
    output: () => output,
    async run(...args) {
      const command = launch(args);
      let [out, err] = ['', ''];
      command.stdout.on('data', (chunk) => (out += String(chunk)));
      command.stderr.on('data', (chunk) => (err += String(chunk)));
      const exit = await new Promise<number | null>((resolve) => command.once('close', resolve));
      return { exit, out, err };
    },
    async start() {
      child = launch(['serve']);
      child.stdout?.on('data', (chunk) => (output += String(chunk)));
      child.stderr?.on('data', (chunk) => (output += String(chunk)));
      await ready(child, `http://127.0.0.1:${port}/readyz`, () => output);
    },
    async stop() {
      const running = child;
      if (running === undefined || running.exitCode !== null) return running?.exitCode ?? null;
      const ended = new Promise<number | null>((resolve) => running.once('exit', resolve));
      running.kill('SIGTERM');
      return await ended;
    },
  };
}

async function durableDirectory(): Promise<string> {
  for (const directory of [tmpdir(), process.cwd(), homedir()]) {
    if (!VOLATILE.includes((await statfs(directory)).type)) return directory;
  }
  throw new Error('production needs a directory on a disk, and here is none');
}

async function ready(child: ChildProcess, url: string, output: () => string): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${output()}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  child.kill('SIGKILL');
  throw new Error(`the server was not ready in time: ${output()}`);
}
