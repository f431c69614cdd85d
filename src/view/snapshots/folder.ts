import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../../kernel/limits.ts';
import { type Content, unsealed } from './manifest.ts';

export const FILE = 'view.db';
export const MANIFEST = 'manifest.json';

/** A folder that is still being filled; only a rename makes it a snapshot. */
const MAKING = '.making-';
const NAME = /^[0-9TZ-]{20,40}-[A-Za-z0-9]{1,16}$/;
/** Of a manifest, in bytes; a place is a few bytes. */
const MANIFEST_BYTES_MAX = 1024 * 1024;
/** Snapshots that are looked at, from the newest on. */
const LISTED_MAX = 100;
/** Nobody makes one for longer than this: whoever did was killed. */
const MAKING_MS_MAX = 6 * 3_600_000;

export function nameOf(atMs: number, epoch: string): string {
  return `${new Date(atMs).toISOString().replace(/[:.]/g, '-')}-${epoch}`;
}

export function makingPath(folder: string, name: string): string {
  return join(folder, `${MAKING}${name}`);
}

/** Newest first; none where there is no folder. */
export async function snapshotNames(folder: string): Promise<string[]> {
  const names = await entriesOf(folder);
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .reverse()
    .slice(0, LISTED_MAX);
}

/** @returns why not, where the manifest is not one of this deployment's */
export async function readManifest(
  folder: string,
  name: string,
  etagKey: Uint8Array,
): Promise<Content | string> {
  const path = join(folder, name, MANIFEST);
  try {
    if ((await stat(path)).size > MANIFEST_BYTES_MAX) return 'its manifest is too large';
    return unsealed(await readFile(path, 'utf8'), etagKey);
  } catch {
    return 'its manifest cannot be read';
  }
}

/** The oldest, once there are more than are kept. */
export async function removeOldest(folder: string): Promise<void> {
  for (const name of (await snapshotNames(folder)).slice(LIMITS.snapshotsKept)) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Whole ones, torn ones, and those of other logs; answers how many. */
export async function removeAll(folder: string): Promise<number> {
  const names = (await entriesOf(folder)).filter(
    (name) => NAME.test(name) || name.startsWith(MAKING),
  );
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
  return names.length;
}

export async function removeNamed(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names.filter((one) => NAME.test(one))) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** What was left by those who were killed while they made one. */
export async function removeUnfinished(folder: string, nowMs: number): Promise<void> {
  for (const name of await entriesOf(folder)) {
    if (!name.startsWith(MAKING)) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (nowMs - mtimeMs > MAKING_MS_MAX) await rm(path, { recursive: true, force: true });
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
