import { hash } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { Damage } from '../kernel/sqlite.ts';

/** What each row's digest is of, by table: whatever a reader of the log is given. */
const DIGESTED = {
  records: 'topic, part, offset, key, at, body',
  relations: 'offset, key, at, actor, gone, body',
} as const;
type Digested = keyof typeof DIGESTED;
const OTHERWISE = 'is not as it was written';

/** Beside each row, of the columns in `DIGESTED`: against bits that flip, not against people. */
export function digestOf(...values: readonly SQLOutputValue[]): string {
  return hash('sha256', values.join('\n'), 'base64url');
}

type Row = Readonly<Record<string, SQLOutputValue>>;

/** The body of a whole row of `records`. @throws Damage where it is not as it was written */
export function recordBodyOf(row: Row): string {
  return bodyOf(row, 'records');
}

/** The body of a whole row of `relations`. @throws Damage where it is not as it was written */
export function relationBodyOf(row: Row): string {
  return bodyOf(row, 'relations');
}

function bodyOf(row: Row, table: Digested): string {
  const values = DIGESTED[table].split(', ').map((column) => row[column] ?? null);
  if (row.digest !== digestOf(...values)) throw new Damage(`a row of ${table} ${OTHERWISE}`);
  return String(row.body);
}

/** Gives a log from before there were digests its own, once; inside the caller's transaction. */
export function addDigests(db: DatabaseSync): void {
  register(db);
  for (const [table, columns] of Object.entries(DIGESTED)) {
    if (hasDigests(db, table)) continue;
    db.exec(`ALTER TABLE ${table} ADD COLUMN digest TEXT;
      UPDATE ${table} SET digest = log_digest(${columns});`);
  }
}

/**
 * Every page and index as SQLite checks them. @throws Damage
 * @param table as well as what lies in its own pages; without it, the whole file
 */
export function mustBeWhole(db: DatabaseSync, table?: string): void {
  const of = table === undefined ? '' : `(${table})`;
  const found = db.prepare(`PRAGMA integrity_check${of}`).get()?.integrity_check;
  if (found !== 'ok') throw new Damage('a page or an index is damaged');
}

/** Every row as it was written, and every head with its record. @throws Damage */
export function mustBeAsWritten(db: DatabaseSync): void {
  mustHaveDigests(db, 'records');
  mustHaveDigests(db, 'relations');
  const lost = db
    .prepare(`SELECT 1 FROM heads LEFT JOIN records USING (topic, part, offset)
      WHERE records.key IS NOT heads.key LIMIT 1`)
    .get();
  if (lost !== undefined) throw new Damage('a record is missing');
}

/** @throws Damage */
export function mustHaveDigests(db: DatabaseSync, table: Digested): void {
  register(db);
  const other = db
    .prepare(`SELECT 1 FROM ${table} WHERE digest IS NOT log_digest(${DIGESTED[table]}) LIMIT 1`)
    .get();
  if (other !== undefined) throw new Damage(`a row of ${table} ${OTHERWISE}`);
}

export function hasDigests(db: DatabaseSync, table: string): boolean {
  const column = db.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = 'digest'");
  return column.get(table) !== undefined;
}

function register(db: DatabaseSync): void {
  db.function('log_digest', { deterministic: true, varargs: true }, digestOf);
}
