import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, openDatabase } from '../kernel/sqlite.ts';

/** Raised with every change below: a file of another version is built anew from the log. */
export const SCHEMA_VERSION = 4;

/**
 * `digest` is of the content alone; an etag also covers the projection's version, so after a bump
 * only the digest tells what really changed. The text index holds no text of its own: `subject`
 * is a token per subject, so a match never looks beyond the subjects that were asked for. A place's
 * `at` is when it was known last to have everything that the log had.
 */
const SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE places (
  part INTEGER PRIMARY KEY, offset INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE subjects (
  number INTEGER PRIMARY KEY, subject TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,
  part INTEGER NOT NULL
) STRICT;
CREATE TABLE sources (
  subject TEXT, type TEXT, id TEXT, body TEXT NOT NULL, recorded TEXT NOT NULL,
  section TEXT, sensitive INTEGER NOT NULL DEFAULT 1, uri TEXT,
  general_digest TEXT, general_etag TEXT, full_digest TEXT, full_etag TEXT,
  PRIMARY KEY (subject, type, id)
) STRICT;
CREATE TABLE documents (
  uri TEXT, variant TEXT, subject TEXT NOT NULL, section TEXT NOT NULL,
  etag TEXT NOT NULL, digest TEXT NOT NULL, title TEXT NOT NULL, recorded TEXT NOT NULL,
  data TEXT NOT NULL, notices TEXT NOT NULL, PRIMARY KEY (uri, variant)
) STRICT;
CREATE INDEX documents_subject ON documents (subject, uri);
CREATE TABLE facts (
  number INTEGER PRIMARY KEY, subject TEXT NOT NULL, area TEXT NOT NULL, digest TEXT NOT NULL,
  uri TEXT NOT NULL, section TEXT NOT NULL, type TEXT NOT NULL, sensitive INTEGER NOT NULL,
  kind TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, codes TEXT NOT NULL,
  date TEXT NOT NULL, data TEXT NOT NULL
) STRICT;
CREATE INDEX facts_subject ON facts (subject, type);
CREATE INDEX facts_match ON facts (number, area, sensitive, type, date);
CREATE VIRTUAL TABLE facts_text USING fts5 (
  subject, title, text, codes, content = '', contentless_delete = 1,
  tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TABLE persons (
  member TEXT PRIMARY KEY, tenant TEXT NOT NULL, patient TEXT NOT NULL, name TEXT NOT NULL,
  birth_date TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE person_tokens (token TEXT, member TEXT, PRIMARY KEY (token, member))
  STRICT, WITHOUT ROWID;
CREATE INDEX person_tokens_member ON person_tokens (member);
CREATE TABLE changes (
  part INTEGER, offset INTEGER, uri TEXT, variant TEXT, subject TEXT NOT NULL,
  tenant TEXT NOT NULL, section TEXT NOT NULL, etag TEXT NOT NULL, kind TEXT NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (part, offset, uri, variant)
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_uri ON changes (uri, variant, offset);
CREATE INDEX changes_at ON changes (at);
`;

/** Opens a view's file for writing, creating it where it does not exist. */
export function openViewDatabase(path: string): DatabaseSync {
  // The log is the truth: a view that lost its last moments in a power cut catches up from it.
  const db = openDatabase(path, 'NORMAL');
  if (schemaVersion(db) === 0) {
    inTransaction(db, () => db.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`));
  }
  return db;
}

export function hasPresentSchema(db: DatabaseSync): boolean {
  return schemaVersion(db) === SCHEMA_VERSION;
}

/** What a view was built from; another epoch or version means: build it anew. */
export interface Origin {
  readonly epoch: string;
  readonly projection: number;
}

export function originOf(db: DatabaseSync): Origin | undefined {
  const get = db.prepare('SELECT value FROM meta WHERE name = ?');
  const epoch = get.get('epoch')?.value;
  const projection = get.get('projection')?.value;
  if (typeof epoch !== 'string') return undefined;
  return { epoch, projection: Number(projection) };
}

export function setOrigin(db: DatabaseSync, { epoch, projection }: Origin): void {
  const put = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
  put.run('epoch', epoch);
  put.run('projection', String(projection));
}

/** The last applied offset by partition, -1 before the first. */
export function placesOf(db: DatabaseSync, partitions: number): number[] {
  const rows = db.prepare('SELECT part, offset FROM places').all();
  const places = new Map(rows.map((row) => [Number(row.part), Number(row.offset)]));
  return Array.from({ length: partitions }, (_, part) => places.get(part) ?? -1);
}

/** Since when it may lack something, in ms: of the partition that stood still the longest. */
export function completeAtOf(db: DatabaseSync): number {
  const row = db.prepare('SELECT min(at) AS at FROM places WHERE offset >= 0').get();
  return typeof row?.at === 'number' ? row.at : Number.POSITIVE_INFINITY;
}

/** `ends` as the log had them at `at`, in ms; a partition that has not reached its end stays. */
export function confirmPlaces(db: DatabaseSync, ends: readonly number[], at: number): void {
  const confirm = db.prepare(`UPDATE places SET at = max(at, ?) WHERE part = ? AND offset >= ?`);
  for (const [part, end] of ends.entries()) confirm.run(at, part, end - 1);
}

export function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}
