import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { base32 } from '../kernel/ids.ts';
import { inTransaction, openDatabase } from '../kernel/sqlite.ts';
import { addDigests, mustBeAsWritten, mustBeWhole } from './integrity.ts';

/** Fixed when a log is created; later starts take what the file says (design §6). */
const PARTITIONS = 16;

/**
 * `ends` outlives what compaction removes, so an offset is never given twice. `heads` is the
 * latest record of each key; a row that is `gone` is a tombstone. A `digest` is of the rest of its
 * row (see integrity.ts).
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS ends (
  topic TEXT, part INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  topic TEXT NOT NULL, part INTEGER NOT NULL, offset INTEGER NOT NULL,
  key TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, digest TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS records_place ON records (topic, part, offset);
CREATE TABLE IF NOT EXISTS heads (
  key TEXT PRIMARY KEY, topic TEXT NOT NULL, tenant TEXT NOT NULL, subject TEXT NOT NULL,
  type TEXT NOT NULL, id TEXT NOT NULL, part INTEGER NOT NULL, offset INTEGER NOT NULL,
  at INTEGER NOT NULL, last_updated INTEGER, hash TEXT NOT NULL, gone INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
DROP INDEX IF EXISTS heads_id;
CREATE INDEX IF NOT EXISTS heads_record ON heads (tenant, id, type);
CREATE INDEX IF NOT EXISTS heads_subject ON heads (subject);
CREATE TABLE IF NOT EXISTS identifiers (
  tenant TEXT, type TEXT, system TEXT, value TEXT, id TEXT,
  PRIMARY KEY (tenant, type, system, value, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS identifiers_id ON identifiers (tenant, type, id);
CREATE TABLE IF NOT EXISTS members (
  member TEXT PRIMARY KEY, tenant TEXT NOT NULL, source TEXT NOT NULL, patient TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (
  tenant TEXT, reference TEXT, name TEXT NOT NULL, PRIMARY KEY (tenant, reference)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mentions (
  tenant TEXT, reference TEXT, key TEXT, PRIMARY KEY (tenant, reference, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mentions_key ON mentions (key);
CREATE TABLE IF NOT EXISTS labels (
  tenant TEXT, reference TEXT, PRIMARY KEY (tenant, reference)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS urls (
  tenant TEXT, source TEXT, url TEXT, reference TEXT NOT NULL, PRIMARY KEY (tenant, source, url)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS buried (
  tenant TEXT, type TEXT, id TEXT, last_updated INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (tenant, type, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
  tenant TEXT, member TEXT, survivor TEXT NOT NULL, merged INTEGER NOT NULL,
  PRIMARY KEY (tenant, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_survivor ON links (tenant, survivor);
CREATE TABLE IF NOT EXISTS due (
  subject TEXT, day TEXT, PRIMARY KEY (subject, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due_day ON due (day);
CREATE TABLE IF NOT EXISTS waiting (
  number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, source TEXT NOT NULL, type TEXT NOT NULL,
  id TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, event TEXT NOT NULL,
  line INTEGER, entry INTEGER NOT NULL, body TEXT NOT NULL, bytes INTEGER NOT NULL, ready INTEGER NOT NULL,
  UNIQUE (tenant, source, type, id)
) STRICT;
CREATE INDEX IF NOT EXISTS waiting_at ON waiting (at);
CREATE INDEX IF NOT EXISTS waiting_ready ON waiting (number) WHERE ready = 1;
CREATE TABLE IF NOT EXISTS rooms (
  tenant TEXT PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS waiting_comes AFTER INSERT ON waiting BEGIN
  INSERT INTO rooms VALUES (new.tenant, 1, new.bytes)
    ON CONFLICT DO UPDATE SET records = records + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER IF NOT EXISTS waiting_leaves AFTER DELETE ON waiting BEGIN
  UPDATE rooms SET records = records - 1, bytes = bytes - old.bytes WHERE tenant = old.tenant;
END;
CREATE TABLE IF NOT EXISTS needs (
  tenant TEXT, need TEXT, number INTEGER, PRIMARY KEY (tenant, need, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS needs_number ON needs (number);
CREATE TABLE IF NOT EXISTS refusals (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, at INTEGER NOT NULL,
  source TEXT NOT NULL, event TEXT NOT NULL, line INTEGER, entry INTEGER NOT NULL,
  type TEXT NOT NULL, path TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS refusals_tenant ON refusals (tenant, number);
CREATE TABLE IF NOT EXISTS seen (
  tenant TEXT, event TEXT, at INTEGER NOT NULL, outcome TEXT NOT NULL, PRIMARY KEY (tenant, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_at ON seen (at);
CREATE TABLE IF NOT EXISTS relations (
  offset INTEGER PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL,
  gone INTEGER NOT NULL, body TEXT NOT NULL, digest TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS relations_key ON relations (key, offset);
`;

export const TOPICS = {
  sources: 'twins.sources',
  directory: 'twins.directory',
  relations: 'access.relationships',
} as const;

export interface LogIdentity {
  readonly epoch: string;
  readonly partitions: number;
}

/**
 * Opens or creates a log. An append is acknowledged only once it is on the disk.
 * @throws Damage, or what SQLite says of it: `isDamage`
 */
export function openLogDatabase(path: string): DatabaseSync {
  const db = openDatabase(path, 'FULL');
  try {
    // First: a log without digests is taken for what it was written as.
    mustBeWhole(db);
    createLogTables(db, { epoch: newEpoch(), partitions: PARTITIONS });
    mustBeAsWritten(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

export function newEpoch(): string {
  return base32(randomBytes(5));
}

/**
 * Gives a log that was restored another epoch, so that what was said of it after it was copied is
 * not taken for what comes now; answers it. @throws Damage where it is not as it was written
 */
export function renewLog(path: string): string {
  const db = openLogDatabase(path);
  try {
    const epoch = newEpoch();
    db.prepare("UPDATE meta SET value = ? WHERE name = 'epoch'").run(epoch);
    db.exec('PRAGMA journal_mode = DELETE');
    return epoch;
  } finally {
    db.close();
  }
}

/** A file that has an identity already keeps it. */
export function createLogTables(db: DatabaseSync, { epoch, partitions }: LogIdentity): void {
  inTransaction(db, () => {
    db.exec(SCHEMA);
    addDigests(db);
    const put = db.prepare('INSERT OR IGNORE INTO meta VALUES (?, ?)');
    put.run('epoch', epoch);
    put.run('partitions', String(partitions));
  });
}

export function identityOf(db: DatabaseSync): LogIdentity {
  const get = db.prepare('SELECT value FROM meta WHERE name = ?');
  const read = (name: string): string => String(get.get(name)?.value);
  return { epoch: read('epoch'), partitions: Number(read('partitions')) };
}
