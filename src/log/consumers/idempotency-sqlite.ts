import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../kernel/clock.ts';
import { inTransaction, openDatabase } from '../../kernel/sqlite.ts';
import { type Idempotency, REMEMBERED_MS } from './idempotency.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS handled_events (
  consumer TEXT, id TEXT, at INTEGER NOT NULL, PRIMARY KEY (consumer, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS handled_events_at ON handled_events (at);
`;

/** Ids that are forgotten with one call of `remember`, so that none takes long. */
const FORGOTTEN_AT_ONCE = 1_000;

export interface SqliteIdempotencyOptions {
  /** A file of its own, or the database where the effects are; then `close` leaves it open. */
  readonly database: string | DatabaseSync;
  /** The group: each remembers for itself. */
  readonly group: string;
  readonly clock: Pick<Clock, 'now'>;
}

export interface SqliteIdempotency extends Idempotency {
  /**
   * The effect and the memory of it in one transaction: exactly once, also for a member that was
   * stopped while another took over. `effect` writes to the same database, and is synchronous.
   * @returns whether this call had the effect
   */
  once(id: string, effect: () => void): boolean;
}

/** Durable, and shared by the processes of one machine. */
export function createSqliteIdempotency(options: SqliteIdempotencyOptions): SqliteIdempotency {
  const { database, group, clock } = options;
  const db = typeof database === 'string' ? openDatabase(database, 'FULL') : database;
  db.exec(SCHEMA);
  const find = db.prepare('SELECT at FROM handled_events WHERE consumer = ? AND id = ?');
  const put = db.prepare('INSERT OR IGNORE INTO handled_events VALUES (?, ?, ?)');
  const drop = db.prepare('DELETE FROM handled_events WHERE consumer = ? AND id = ?');
  const forget = db.prepare(`DELETE FROM handled_events WHERE (consumer, id) IN
    (SELECT consumer, id FROM handled_events WHERE at <= ? LIMIT ${FORGOTTEN_AT_ONCE})`);
  const isKnown = (id: string): boolean => {
    const at = find.get(group, id)?.at;
    return at !== undefined && clock.now() - Number(at) < REMEMBERED_MS;
  };
  const add = (id: string): void => {
    if (isKnown(id)) return;
    drop.run(group, id);
    put.run(group, id, clock.now());
  };
  return {
    has: isKnown,
    remember(ids) {
      if (ids.length === 0) return;
      inTransaction(db, () => {
        for (const id of ids) add(id);
        forget.run(clock.now() - REMEMBERED_MS);
      });
    },
    once: (id, effect) =>
      inTransaction(db, () => {
        if (isKnown(id)) return false;
        effect();
        add(id);
        return true;
      }),
    close: () => (typeof database === 'string' ? db.close() : undefined),
  };
}
