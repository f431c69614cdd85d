/** A part as a process of its own: started, broken and stopped by its id. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../src/kernel/clock.ts';
import type { User } from './programs.ts';

export interface PartProcess {
  /** Of the process that runs now; another one after `restart`. */
  readonly pid: number;
  /** Its data, settings and `log`; gone after `stop`. */
  readonly directory: string;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  pause(): void;
  /** SIGCONT */
  continue(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** On the same ports and data, after `kill` or in one go; resolves when it answers again. */
  restart(): Promise<void>;
  /** SIGTERM, SIGKILL when that is not enough; its data go too. */
  stop(): Promise<void>;
  /** It goes on when this process ends; whoever calls has noted its id and directory. */
  release(): void;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; from now on the part's. */
  readonly directory: string;
  /** Rejects until the part answers a real question. */
  answers(): Promise<void>;
  readonly user?: User;
}

const READY_DEADLINE_MS = 90_000;
const READY_POLL_MS = 100;
const STOP_DEADLINE_MS = 10_000;
const LOG_CHARS_SHOWN = 2_000;

/** With a new directory, which goes again where no part comes of it. */
export async function inOwnDirectory<T>(
  name: string,
  task: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), `twin-part-${name}-`));
  try {
    return await task(directory);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

export async function launch(spec: Launch): Promise<PartProcess> {
  const watchdog = watch(spec.directory);
  let child = begin(spec);
  const kill = async (): Promise<void> => {
    signal(child, 'SIGKILL');
    await ended(child);
  };
  const stop = async (): Promise<void> => {
    await end(child);
    watchdog.stdin?.end();
    await ended(watchdog);
    rmSync(spec.directory, { recursive: true, force: true });
  };
  try {
    await ready(spec, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    directory: spec.directory,
    get pid() {
      return child.pid ?? 0;
    },
    pause: () => signal(child, 'SIGSTOP'),
    continue: () => signal(child, 'SIGCONT'),
    kill,
    async restart() {
      await end(child);
      child = begin(spec);
      await ready(spec, child);
    },
    stop,
    release: () => signal(watchdog, 'SIGKILL'),
  };
}

/** In a process group of its own, so that Ctrl-C reaches first whoever uses the part. */
function begin({ command, args, env, directory, user }: Launch): ChildProcess {
  const log = openSync(join(directory, 'log'), 'a');
  const child = spawn(command, args, {
    cwd: directory,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
    ...user,
  });
  closeSync(log);
  const pidFile = join(directory, 'pid');
  if (child.pid !== undefined) writeFileSync(pidFile, String(child.pid));
  child.once('exit', () => rmSync(pidFile, { force: true }));
  child.once('error', () => {});
  child.unref();
  return child;
}

/**
 * Ends the part and removes its data when this process is gone, however it went: its end of the
 * pipe is closed by the operating system.
 */
const WATCHDOG = `read -r _
pid=$(cat "$1/pid" 2>/dev/null) && kill -s KILL -- "-$pid" && sleep 1
rm -rf "$1"`;

function watch(directory: string): ChildProcess {
  const child = spawn('sh', ['-c', WATCHDOG, 'part-watchdog', directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return child;
}

async function ready(spec: Launch, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  let last: unknown;
  while (performance.now() < deadline) {
    if (hasEnded(child)) throw new Error(`${spec.command} ended at once:\n${logOf(spec)}`);
    try {
      return await spec.answers();
    } catch (error) {
      last = error;
    }
    await sleep(READY_POLL_MS);
  }
  throw new Error(`${spec.command} does not answer:\n${logOf(spec)}`, { cause: last });
}

function logOf({ directory }: Launch): string {
  return readFileSync(join(directory, 'log'), 'utf8').slice(-LOG_CHARS_SHOWN);
}

async function end(child: ChildProcess): Promise<void> {
  signal(child, 'SIGTERM');
  signal(child, 'SIGCONT');
  const timer = setTimeout(() => signal(child, 'SIGKILL'), STOP_DEADLINE_MS);
  await ended(child);
  clearTimeout(timer);
}

async function ended(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  await once(child, 'exit');
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** To the whole group: a part may have processes of its own. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || hasEnded(child)) return;
  process.kill(-child.pid, name);
}
