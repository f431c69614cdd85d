import { existsSync, rmSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { inTransaction, isDamage, openDatabase } from '../../kernel/sqlite.ts';
import { mayHaveMissed } from '../../twin/retention.ts';
import { mustBeWhole, mustHaveDigests } from '../integrity.ts';
import { createLogTables, identityOf, type LogIdentity } from '../schema.ts';
import { ROW_NAMES } from './row-names.ts';

/** How far the topics have been taken in, and which intake is decided; both move with the state. */
const PLACES = `
CREATE TABLE IF NOT EXISTS restored (
  topic TEXT, part INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS intake (part INTEGER PRIMARY KEY, next INTEGER NOT NULL) STRICT;
${ROW_NAMES}`;

export interface Next {
  readonly partition: number;
  readonly next: number;
}

export interface DeciderFile {
  readonly path: string;
  readonly identity: LogIdentity;
  /** `id` of its row keys. */
  readonly rowKeys: string;
}

/**
 * What a decider knows, in a file of its own instance. Kafka has all of it, so a power cut may take
 * the last of it; the file of another log, one that took its rows in under other keys, a damaged one,
 * or one that has stood still for so long that it may have missed tombstones, is thrown away.
 * @param at now, in ms
 */
export function openDeciderDatabase(file: DeciderFile, at: number): DatabaseSync {
  const known = existsSync(file.path) ? openKnown(file, at) : undefined;
  if (known !== undefined) return known;
  for (const suffix of ['', '-wal', '-shm']) rmSync(file.path + suffix, { force: true });
  const db = openFor(file);
  db.prepare("INSERT INTO meta VALUES ('row keys', ?)").run(file.rowKeys);
  return db;
}

/** `undefined`: what is there is of no use. */
function openKnown(file: DeciderFile, at: number): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = openFor(file);
    mustBeWhole(db);
    mustHaveDigests(db, 'records');
    const isSame = identityOf(db).epoch === file.identity.epoch;
    const complete = metaOf(db, 'complete');
    const missed = mayHaveMissed(complete === undefined ? at : Number(complete), at);
    if (isSame && !missed && metaOf(db, 'row keys') === file.rowKeys) return db;
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  db?.close();
  return undefined;
}

function openFor({ path, identity }: DeciderFile): DatabaseSync {
  const db = openDatabase(path, 'NORMAL');
  createLogTables(db, identity);
  db.exec(PLACES);
  return db;
}

/** `complete`: when it last had everything that the log had, in ms. */
function metaOf(db: DatabaseSync, name: 'complete' | 'row keys'): string | undefined {
  const row = db.prepare('SELECT value FROM meta WHERE name = ?').get(name);
  return row === undefined ? undefined : String(row.value);
}

export interface Places {
  /** At this time it had everything that the log had. */
  setComplete(at: number): void;
  restored(topic: string): Next[];
  setRestored(topic: string, next: readonly Next[]): void;
  intake(): Next[];
  setIntake(next: readonly Next[]): void;
  /** The offsets that the log gives next: the decider's own, as long as nobody else writes. */
  setEnds(topic: string, next: readonly Next[]): void;
}

export function createPlaces(db: DatabaseSync): Places {
  const restored = db.prepare('SELECT part, next FROM restored WHERE topic = ? ORDER BY part');
  const intake = db.prepare('SELECT part, next FROM intake ORDER BY part');
  const put = db.prepare('INSERT OR REPLACE INTO restored VALUES (?, ?, ?)');
  const putIntake = db.prepare('INSERT OR REPLACE INTO intake VALUES (?, ?)');
  const putEnd = db.prepare('INSERT OR REPLACE INTO ends VALUES (?, ?, ?)');
  const each = (next: readonly Next[], run: (one: Next) => unknown): void =>
    inTransaction(db, () => {
      for (const one of next) run(one);
    });
  const complete = db.prepare("INSERT OR REPLACE INTO meta VALUES ('complete', ?)");
  return {
    setComplete: (at) => void complete.run(String(at)),
    restored: (topic) => restored.all(topic).map(nextOf),
    setRestored: (topic, next) =>
      each(next, ({ partition, next: at }) => put.run(topic, partition, at)),
    intake: () => intake.all().map(nextOf),
    setIntake: (next) => each(next, ({ partition, next: at }) => putIntake.run(partition, at)),
    setEnds: (topic, next) =>
      each(next, ({ partition, next: at }) => putEnd.run(topic, partition, at)),
  };
}

function nextOf(row: Record<string, SQLInputValue>): Next {
  return { partition: Number(row.part), next: Number(row.next) };
}
