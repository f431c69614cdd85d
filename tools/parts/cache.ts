/** Parts are brought once and kept outside the tree, whole or not at all. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sleep } from '../../src/kernel/clock.ts';

/** One line of progress, for whoever waits. */
export type Say = (text: string) => void;

export function cacheDirectory(): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(base, 'digital-twin-mcp', 'parts');
}

/**
 * The directory `name` of the cache. Where there is none, `fill` fills a new one, which gets its
 * name when it is complete; another process that wants the same waits meanwhile.
 */
export async function cached(
  name: string,
  say: Say,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  const cache = cacheDirectory();
  const target = join(cache, name);
  if (existsSync(target)) return target;
  const onWait = (): void => say(`another process is bringing ${name}: waiting for it`);
  return await locked(name, onWait, async () => {
    if (existsSync(target)) return target;
    await removePartial(cache, name);
    const partial = await mkdtemp(join(cache, `${name}.partial-`));
    await fill(partial);
    await rename(partial, target);
    return target;
  });
}

/** Runs the task while no other process runs one of the same name. */
export async function locked<T>(
  name: string,
  onWait: () => void,
  task: () => Promise<T>,
): Promise<T> {
  await mkdir(cacheDirectory(), { recursive: true });
  const lock = await takeLock(join(cacheDirectory(), `${name}.lock`), onWait);
  try {
    return await task();
  } finally {
    lock.close();
  }
}

/** Left by a process that was killed: whoever holds the lock may remove it. */
async function removePartial(cache: string, name: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    if (!entry.startsWith(`${name}.partial-`)) continue;
    await rm(join(cache, entry), { recursive: true, force: true });
  }
}

const SQLITE_BUSY = 5;
const LOCK_POLL_MS = 500;

/** An exclusive SQLite transaction: the operating system ends it with the process, whatever ends it. */
async function takeLock(path: string, onWait: () => void): Promise<DatabaseSync> {
  for (let told = false; ; told = true) {
    const db = new DatabaseSync(path, { timeout: 0 });
    try {
      db.exec('BEGIN EXCLUSIVE');
      return db;
    } catch (error) {
      db.close();
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    }
    if (!told) onWait();
    await sleep(LOCK_POLL_MS);
  }
}
