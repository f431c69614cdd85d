/** Parts that go on after the command that started them, remembered by process. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../src/kernel/clock.ts';
import { cacheDirectory } from './cache.ts';

export interface Running {
  readonly name: string;
  readonly pid: number;
  /** When the process began, as the system says it: ids are used again, this is not. */
  readonly born: string;
  readonly directory: string;
  /** `host:port` */
  readonly address: string;
  /** Settings with which a server uses it. */
  readonly env: Readonly<Record<string, string>>;
}

const fileOf = (name: string): string => join(cacheDirectory(), 'running', `${name}.json`);

export async function remember(part: Omit<Running, 'born'>): Promise<Running> {
  const running = { ...part, born: bornOf(part.pid) ?? '' };
  await mkdir(join(cacheDirectory(), 'running'), { recursive: true });
  await writeFile(fileOf(part.name), JSON.stringify(running), { mode: 0o600 });
  return running;
}

/** What is remembered and still runs; what ended by itself is forgotten. */
export async function recall(name: string): Promise<Running | undefined> {
  let text: string;
  try {
    text = await readFile(fileOf(name), 'utf8');
  } catch {
    return undefined;
  }
  const running = JSON.parse(text) as Running;
  if (isAlive(running)) return running;
  await forget(running);
  return undefined;
}

const STOP_DEADLINE_MS = 10_000;
const STOP_POLL_MS = 50;

export async function end(running: Running): Promise<void> {
  signal(running, 'SIGTERM');
  signal(running, 'SIGCONT');
  const deadline = performance.now() + STOP_DEADLINE_MS;
  while (isAlive(running) && performance.now() < deadline) await sleep(STOP_POLL_MS);
  signal(running, 'SIGKILL');
  await forget(running);
}

async function forget({ name, directory }: Running): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await rm(fileOf(name), { force: true });
}

function signal(running: Running, name: NodeJS.Signals): void {
  if (isAlive(running)) process.kill(-running.pid, name);
}

function isAlive({ pid, born }: Running): boolean {
  return bornOf(pid) === born;
}

/** `undefined` where there is no such process. */
function bornOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    }
    // proc(5): the name in brackets may hold anything; the start time is field 22, the state 3.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
