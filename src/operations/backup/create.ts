import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { BackupMade } from '../../contract/backups.ts';
import { measured, toDisk } from '../../kernel/disk.ts';
import { copyDatabase } from '../../kernel/sqlite.ts';
import { type BackupContent, signManifest } from './manifest.ts';
import { sealFile } from './seal.ts';

export interface BackupOptions {
  readonly dataDir: string;
  /** Where backups are; made where it is not there, for its owner alone. */
  readonly folder: string;
  /** 32 bytes that seal it: they are not in the backup, nor are the keys of the deployment. */
  readonly key: Buffer;
  /** Authenticates the manifest. */
  readonly deploymentKey: Uint8Array;
  /** Of the embedded log. */
  readonly epoch: string | undefined;
  readonly version: string;
  /** Now, in ms. */
  readonly at: number;
}

export const MANIFEST = 'manifest.json';
export const SEALED = '.sealed';
const MAKING = '.making-';
/** In the data directory: a copy that is not sealed yet lies where the original does. */
const COPYING = 'backup.copying';

/** Made anew from the log, or of this process alone. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...[
    'view.db',
    'view.next.db',
    'decider.db',
    'lock.db',
    'keys.json',
    'server.json',
    'purged.json',
  ],
]);

/**
 * A sealed copy of everything of the data directory that cannot be made anew, while the server goes
 * on. The order makes it consistent: the outbox first, so that what leaves it for the log meanwhile
 * is in both (and has one effect by its event id) rather than in neither; then the log; the audit
 * last, so that whatever was shown of what is copied is in the trail that is copied.
 */
export async function createBackup(options: BackupOptions): Promise<BackupMade> {
  const { dataDir, folder, deploymentKey, epoch, version, at } = options;
  const createdAt = new Date(at).toISOString();
  const name = `backup-${createdAt.replace(/[:.]/g, '-')}`;
  const making = join(folder, `${MAKING}${name}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(making, { mode: 0o700 });
  try {
    const files: BackupContent['files'] = [];
    for (const file of await filesOf(dataDir)) files.push(await copySealed(options, file, making));
    const content: BackupContent = {
      ...{ format: 1, version, createdAt, files },
      ...(epoch !== undefined && { epoch }),
    };
    await writeFile(join(making, MANIFEST), signManifest(content, deploymentKey), { mode: 0o600 });
    for (const path of [...(await readdir(making)).map((one) => join(making, one)), making]) {
      await toDisk(path);
    }
    await rename(making, join(folder, name));
    await toDisk(folder);
    const { format: _, version: __, ...made } = content;
    return { name, ...made, files: files.map(({ name: file, bytes }) => ({ name: file, bytes })) };
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    throw error;
  } finally {
    await removeCopy(dataDir);
  }
}

/** What a process that was killed while it copied has left. */
export async function removeCopy(dataDir: string): Promise<void> {
  for (const end of ['', '-wal', '-shm', '-journal']) {
    await rm(join(dataDir, `${COPYING}${end}`), { force: true });
  }
}

/** By their place in the order; what later versions bring stands before the log. */
async function filesOf(dataDir: string): Promise<string[]> {
  const rank = (file: string): number =>
    ['outbox.db', undefined, 'log.db', 'audit.db'].indexOf(file) + 1 || 2;
  return (await readdir(dataDir))
    .filter((file) => /^[a-z][a-z0-9-]{0,40}\.(?:db|json)$/.test(file) && !LEFT_OUT.has(file))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

async function copySealed(
  { dataDir, key }: BackupOptions,
  file: string,
  making: string,
): Promise<BackupContent['files'][number]> {
  const path = join(dataDir, file);
  const isDatabase = file.endsWith('.db');
  const copied = isDatabase ? join(dataDir, COPYING) : path;
  if (isDatabase) await copyWhole(path, copied);
  const sealed = join(making, `${file}${SEALED}`);
  const about = { name: file, ...(await measured(copied)) };
  await sealFile(copied, sealed, file, key);
  if (isDatabase) await removeCopy(dataDir);
  return about;
}

async function copyWhole(from: string, to: string): Promise<void> {
  await copyDatabase(from, to);
  const db = new DatabaseSync(to);
  // One file that is whole without another beside it.
  db.exec('PRAGMA journal_mode = DELETE');
  db.close();
}
