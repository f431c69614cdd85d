import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { type Checkpoint, GENESIS, nextHash } from './chain.ts';

/** A record ready to be stored: its canonical JSON, and whom it is about. */
export interface StorableRecord {
  readonly body: string;
  readonly members: readonly string[];
}

export interface StoredRecord {
  readonly seq: number;
  readonly hash: string;
  readonly body: string;
}

export interface RecordQuery {
  readonly member?: string;
  readonly limit: number;
  /** Only records before this number. */
  readonly before?: number;
}

/** The audit's own database: append only, every commit fsynced. */
export interface AuditStore {
  /** Appends all in one transaction; durable when it returns. */
  append(records: readonly StorableRecord[]): void;
  /** Newest first. */
  read(query: RecordQuery): StoredRecord[];
  head(): Checkpoint;
  close(): void;
}

// The triggers stop honest mistakes; the chain shows the others. `recursive_triggers` makes
// INSERT OR REPLACE fire them as well.
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA recursive_triggers = ON;
  CREATE TABLE IF NOT EXISTS record (
    seq INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS about (
    member TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (member, seq)
  ) STRICT, WITHOUT ROWID;
  ${['record', 'about'].flatMap((table) => ['UPDATE', 'DELETE'].map((verb) => guard(table, verb))).join('')}
`;

function guard(table: string, verb: string): string {
  return `CREATE TRIGGER IF NOT EXISTS ${table}_no_${verb.toLowerCase()} BEFORE ${verb} ON ${table}
    BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;`;
}

/** @throws Error when the last record does not follow from the one before: see `audit verify`. */
export function openAuditStore(path: string): AuditStore {
  // SQLite gives the WAL and its index the mode of the database file.
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path);
  db.exec(SCHEMA);
  const insert = db.prepare('INSERT INTO record (seq, hash, body) VALUES (?, ?, ?)');
  const insertAbout = db.prepare('INSERT INTO about (member, seq) VALUES (?, ?)');
  const newest = db.prepare(
    'SELECT seq, hash, body FROM record WHERE seq < ? ORDER BY seq DESC LIMIT ?',
  );
  const newestAbout = db.prepare(
    `SELECT seq, hash, body FROM about JOIN record USING (seq)
     WHERE member = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
  );
  const lastTwo = () => newest.all(Number.MAX_SAFE_INTEGER, 2) as unknown as StoredRecord[];
  let head = headOf(lastTwo());

  const write = (records: readonly StorableRecord[]): Checkpoint => {
    let { seq, hash } = head;
    for (const { body, members } of records) {
      seq += 1;
      hash = nextHash(hash, body);
      insert.run(seq, hash, body);
      for (const member of members) insertAbout.run(member, seq);
    }
    return { seq, hash };
  };

  return {
    append(records) {
      db.exec('BEGIN IMMEDIATE');
      try {
        const next = write(records);
        db.exec('COMMIT');
        head = next;
      } catch (error) {
        // After some faults (a full disk) SQLite has already rolled back.
        if (db.isTransaction) db.exec('ROLLBACK');
        // A COMMIT that reported a fault may still have been made.
        head = headOf(lastTwo());
        throw error;
      }
    },
    read({ member, limit, before = Number.MAX_SAFE_INTEGER }) {
      const rows =
        member === undefined ? newest.all(before, limit) : newestAbout.all(member, before, limit);
      return rows as unknown as StoredRecord[];
    },
    head: () => head,
    close: () => db.close(),
  };
}

function headOf([last, previous]: readonly StoredRecord[]): Checkpoint {
  if (last === undefined) return GENESIS;
  const before = previous ?? GENESIS;
  if (last.seq !== before.seq + 1 || last.hash !== nextHash(before.hash, last.body)) {
    throw new Error(`the audit's record ${last.seq} does not follow from the one before it`);
  }
  return { seq: last.seq, hash: last.hash };
}
