import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Snapshot } from '../../contract/snapshots.ts';
import { measured, toDisk } from '../../kernel/disk.ts';
import { copyDatabase } from '../../kernel/sqlite.ts';
import { completeAtOf, originOf, placesOf, schemaVersion } from '../schema.ts';
import { FILE, MANIFEST, makingPath, nameOf, removeOldest, removeUnfinished } from './folder.ts';
import { type Content, keyName, sealed, shown } from './manifest.ts';

export interface CreateOptions {
  /** Of the view that is copied. */
  readonly view: string;
  /** Created where it does not exist, for its owner alone. */
  readonly folder: string;
  readonly epoch: string;
  readonly partitions: number;
  readonly etagKey: Uint8Array;
  /** Now, in ms. */
  readonly at: number;
}

/**
 * Copies the view as it is at one moment. SQLite copies in a thread of its own, and a reader holds
 * up no writer, so reads and the following of the log go on. A snapshot is there whole or not at
 * all: its folder gets its name last, once everything in it is on the disk.
 */
export async function createSnapshot(options: CreateOptions): Promise<Snapshot> {
  const { view, folder, epoch, etagKey, at } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeUnfinished(folder, at);
  const name = nameOf(at, epoch);
  const making = makingPath(folder, name);
  await mkdir(making, { mode: 0o700 });
  try {
    const file = join(making, FILE);
    await copyDatabase(view, file);
    const content = { ...aboutCopy(file, options), ...(await measured(file)) };
    await writeFile(join(making, MANIFEST), sealed(content, etagKey), { mode: 0o600 });
    for (const path of [file, join(making, MANIFEST), making]) await toDisk(path);
    await rename(making, join(folder, name));
    await toDisk(folder);
    await removeOldest(folder);
    return shown(name, content);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    throw error;
  }
}

/** Read from the copy itself: the original has gone on. */
function aboutCopy(
  file: string,
  { partitions, etagKey, at }: CreateOptions,
): Omit<Content, 'bytes' | 'sha256'> {
  const db = new DatabaseSync(file);
  try {
    // One file that is whole without another beside it.
    db.exec('PRAGMA journal_mode = DELETE');
    const origin = originOf(db);
    if (origin === undefined) throw new Error('the view does not say what it was built from');
    return {
      ...{ format: 1, ...origin },
      schema: schemaVersion(db),
      places: placesOf(db, partitions),
      createdAt: at,
      completeAt: Math.min(completeAtOf(db), at),
      key: keyName(etagKey),
    };
  } finally {
    db.close();
  }
}
