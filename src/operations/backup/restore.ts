import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Restored } from '../../contract/backups.ts';
import { measured } from '../../kernel/disk.ts';
import { MANIFEST, SEALED } from './create.ts';
import { type BackupContent, readManifest } from './manifest.ts';
import { openFile } from './seal.ts';

export interface RestoreOptions {
  /** Of one backup. */
  readonly folder: string;
  /** Without a log, a view or an audit of its own; locked by the caller. */
  readonly dataDir: string;
  readonly key: Buffer;
  readonly deploymentKey: Uint8Array;
  /** Gives the restored log another epoch; answers it. */
  renewLog(path: string): string;
  /** What the restored trail proves of itself; throws where it is not whole. */
  verifyAudit(path: string): Promise<string>;
}

const RESTORING = '.restoring';

/**
 * Everything is opened, measured and looked through beside the place where it will be, and only then
 * gets its name: a backup that is not whole leaves nothing. The log gets a new epoch, so positions
 * and cursors of after the backup are met with a gap, and the view is built anew.
 * @throws Error with what is wrong, in our own words
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { folder, dataDir, deploymentKey, renewLog, verifyAudit } = options;
  await mustBeEmpty(dataDir);
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => {
    throw new Error(`${folder} holds no backup: it has no ${MANIFEST}`);
  });
  const content = readManifest(text, deploymentKey);
  try {
    for (const file of content.files) await openOne(options, file);
    const at = (name: string): string | undefined =>
      content.files.some((file) => file.name === name) ? restoring(dataDir, name) : undefined;
    const [log, audit] = [at('log.db'), at('audit.db')];
    const newEpoch = log === undefined ? undefined : renewLog(log);
    const proof = audit === undefined ? 'the backup has none' : await verifyAudit(audit);
    for (const { name } of content.files) {
      for (const end of ['-wal', '-shm', '-journal']) {
        await rm(`${restoring(dataDir, name)}${end}`, { force: true });
      }
      await rename(restoring(dataDir, name), join(dataDir, name));
    }
    const { format: _, version: __, files, ...made } = content;
    return {
      name: folder.split(/[\\/]/).filter(Boolean).at(-1) ?? folder,
      ...made,
      files: files.map(({ name, bytes }) => ({ name, bytes })),
      ...(newEpoch !== undefined && { newEpoch }),
      audit: proof,
    };
  } catch (error) {
    for (const file of await readdir(dataDir)) {
      if (file.includes(RESTORING)) await rm(join(dataDir, file), { force: true });
    }
    throw error;
  }
}

async function mustBeEmpty(dataDir: string): Promise<void> {
  const others = (await readdir(dataDir)).filter(
    (file) => /\.db$/.test(file) && file !== 'lock.db',
  );
  if (others.length === 0) return;
  throw new Error(
    `${dataDir} is not empty (${others.join(', ')}): a backup is restored into a directory of its own`,
  );
}

async function openOne(
  { folder, dataDir, key }: RestoreOptions,
  { name, bytes, sha256 }: BackupContent['files'][number],
): Promise<void> {
  const path = restoring(dataDir, name);
  await openFile(join(folder, `${name}${SEALED}`), path, name, key).catch((cause: unknown) => {
    const why = 'is damaged, or BACKUP_KEY is not the one that sealed it';
    throw new Error(`${name} of the backup ${why}`, { cause });
  });
  const found = await measured(path);
  if (found.bytes !== bytes || found.sha256 !== sha256) {
    throw new Error(`${name} of the backup is not the file that its manifest says`);
  }
  if (!name.endsWith('.db')) return;
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const check = db.prepare('PRAGMA integrity_check(1)').get()?.integrity_check;
    if (check !== 'ok') throw new Error(`${name} of the backup is no whole SQLite file`);
  } finally {
    db.close();
  }
}

function restoring(dataDir: string, name: string): string {
  return join(dataDir, `${name}${RESTORING}`);
}
