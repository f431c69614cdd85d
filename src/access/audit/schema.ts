import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * The tables of a trail: of this instance's own rows (`audit.db`), and of everybody's as they came
 * by the topic (`audit-trail.db`). `record.hash` is the chain, `node` the tree's subtrees of 256
 * leaves and more, `about` whom a row is about,
 * `conflict` what else was written in the place of a row. `quiet`:
 * how a row stands in access logs.
 */
const TABLES = `
  CREATE TABLE IF NOT EXISTS generation (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    instance TEXT NOT NULL,
    opened TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS record (
    gen INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (gen, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS record_at ON record (at);
  CREATE TABLE IF NOT EXISTS about (
    member TEXT NOT NULL,
    at INTEGER NOT NULL,
    gen INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    quiet INTEGER NOT NULL,
    PRIMARY KEY (member, at, gen, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS node (
    gen INTEGER NOT NULL,
    height INTEGER NOT NULL,
    i INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (gen, height, i)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS checkpoint (
    gen INTEGER NOT NULL,
    size INTEGER NOT NULL,
    at TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (gen, size, at)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS conflict (
    gen INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (gen, seq, hash)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS progress (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;
const APPEND_ONLY = ['generation', 'record', 'about', 'node', 'checkpoint', 'conflict'] as const;

// `recursive_triggers` makes INSERT OR REPLACE fire them as well.
const pragmas = (synchronous: 'FULL' | 'NORMAL'): string => `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = ${synchronous};
  PRAGMA fullfsync = ON;
  PRAGMA recursive_triggers = ON;
`;

/** The triggers stop honest mistakes; chain, tree and checkpoints show the others. */
function guards(table: string): string {
  return ['UPDATE', 'DELETE']
    .map(
      (verb) => `CREATE TRIGGER IF NOT EXISTS ${table}_no_${verb.toLowerCase()}
        BEFORE ${verb} ON ${table}
        BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;`,
    )
    .join('\n');
}

/**
 * Opens for writing, without the tables. There is no waiting for whoever holds the file: a record
 * that cannot be written at once refuses what it is about.
 * @param synchronous `FULL` where rows are first kept
 */
export function openTrailFile(path: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync {
  // SQLite gives the WAL and its index the mode of the database file.
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path);
  db.exec(pragmas(synchronous));
  return db;
}

export function createTables(db: DatabaseSync): void {
  db.exec(`${TABLES}\n${APPEND_ONLY.map(guards).join('\n')}`);
}
