import type { DatabaseSync, StatementSync } from 'node:sqlite';

const KNOWN = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/**
 * A statement that is compiled once a connection: what is run for each record would else be
 * compiled for each record. Its text must be one of few; it must not be iterated over while it is
 * run again, nor name an attached database.
 */
export function prepared(db: DatabaseSync, sql: string): StatementSync {
  const known = KNOWN.get(db) ?? new Map<string, StatementSync>();
  if (known.size === 0) KNOWN.set(db, known);
  const statement = known.get(sql) ?? db.prepare(sql);
  known.set(sql, statement);
  return statement;
}
