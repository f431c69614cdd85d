import { closeSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { backup, DatabaseSync } from 'node:sqlite';
import { prepared } from './statements.ts';

const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens or creates a SQLite file for writing, readable by its owner alone; SQLite gives the files
 * beside it the same mode. `FULL`: a commit is on the disk before it is acknowledged. `NORMAL`: a
 * power cut may take the last commits, for what can be had again from elsewhere.
 */
export function openDatabase(path: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync {
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};`);
  return db;
}

/** A second connection, which can only read and sees what is committed. */
export function openForReading(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
}

/** All pages in one step: the copy is of one moment, whatever is written meanwhile. */
const ALL_PAGES = 2 ** 31 - 1;

/** Copies a database as it is at one moment, into a file for its owner alone; writers go on. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  await writeFile(to, '', { mode: 0o600 });
  const source = openForReading(from);
  try {
    await backup(source, to, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
}

/** A file that is not as it was written, where that is no finding of SQLite's own. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

/** SQLITE_CORRUPT and SQLITE_NOTADB, whatever their extended codes, and what we found ourselves. */
export function isDamage(error: unknown): boolean {
  const code = Number((error as { errcode?: number } | undefined)?.errcode) & 0xff;
  return error instanceof Damage || code === 11 || code === 26;
}

/** Whole or not at all; inside another transaction, as a part of it that can be undone alone. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  const [begin, commit, rollback] = db.isTransaction ? INNER : OUTER;
  prepared(db, begin).run();
  try {
    const result = work();
    prepared(db, commit).run();
    return result;
  } catch (error) {
    // Where SQLite rolled back by itself (disk full) there is nothing left to roll back.
    if (db.isTransaction) db.exec(rollback);
    throw error;
  }
}

const OUTER = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'] as const;
/** Names may be given again: the innermost is meant. */
const INNER = ['SAVEPOINT inner', 'RELEASE inner', 'ROLLBACK TO inner; RELEASE inner'] as const;

/**
 * Writes the file anew, so that nothing of what was deleted is left in it, in its free pages or in
 * the write-ahead log beside it. Outside of transactions, by the connection that writes; readers go on.
 * @throws Error where readers held on to the old file for longer than a writer waits
 */
export function withoutTraces(db: DatabaseSync): void {
  db.exec('VACUUM');
  const row = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  if (row?.busy !== 0) throw new Error('a reader keeps the write-ahead log from being emptied');
}
