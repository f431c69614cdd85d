import type { DatabaseSync } from 'node:sqlite';
import type { HeldRecords } from '../../contract/held.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { inTransaction, openDatabase, withoutTraces } from '../../kernel/sqlite.ts';
import { heldOf } from '../held.ts';
import type { Held } from './submission.ts';

/** Its number in the queue and the bytes it newly takes (0: it was held already); or no room. */
export type Holding = { readonly number: number; readonly bytes: number } | 'full';

export interface Queued extends Held {
  readonly number: number;
  /** What it takes of the bound. */
  readonly bytes: number;
}

/** Why the decider refused it: words of ours and places, nothing of what it said. */
export interface Refused {
  readonly type: string;
  readonly line?: number;
  readonly entry: number;
  readonly path: string;
  readonly reason: string;
}

export interface OutboxBounds {
  readonly submissionsMax: number;
  readonly bytesMax: number;
}

/** How much is in the queue; what was set aside is not. */
export interface Load {
  readonly submissions: number;
  readonly bytes: number;
}

export type TenantsOutbox = Pick<HeldRecords, 'refused' | 'outbox'>;

/**
 * The outbox in one SQLite file: synchronous, so it lives in a worker thread. Whatever is held is on
 * the disk when `hold` returns. `at` is now, in ms.
 */
export interface OutboxStore {
  /** All in one transaction; the same event again keeps the place that it had. */
  hold(items: readonly Held[]): Holding[];
  /** The oldest one. */
  first(): Queued | undefined;
  done(number: number): void;
  refuse(number: number, why: Refused, at: number): void;
  /** A fault of ours: kept whole, out of the others' way, and tried again at the next start. */
  setAside(number: number, at: number): void;
  load(): Load;
  ofTenant(tenant: string): TenantsOutbox;
  /** Leaves no byte of what has gone in its file. */
  purge(): void;
  close(): void;
}

const SCHEMA = `
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS held (
  number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, tenant TEXT NOT NULL,
  source TEXT NOT NULL, event TEXT NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL,
  aside INTEGER, head TEXT NOT NULL, body BLOB NOT NULL,
  UNIQUE (tenant, kind, event)
) STRICT;
CREATE INDEX IF NOT EXISTS held_queue ON held (number) WHERE aside IS NULL;
CREATE TABLE IF NOT EXISTS refused (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, at INTEGER NOT NULL,
  source TEXT NOT NULL, event TEXT NOT NULL, line INTEGER, entry INTEGER NOT NULL,
  type TEXT NOT NULL, path TEXT NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS refused_tenant ON refused (tenant, number);
`;

const REFUSED_KEPT_MS = 30 * 24 * 3_600_000;
/** As the reason of what was set aside. */
const OURS = 'internal';

/** @param path `:memory:` for tests */
export function openOutboxStore(path: string, bounds: OutboxBounds): OutboxStore {
  const db = openDatabase(path, 'FULL');
  db.exec(SCHEMA);
  // The program may be another one by now: what it could not handle then goes first again.
  db.exec('UPDATE held SET aside = NULL WHERE aside IS NOT NULL');
  const sql = prepare(db);
  const used = db.prepare('SELECT count(*) AS n, ifnull(sum(bytes), 0) AS bytes FROM held').get();
  let [submissions, bytes] = [Number(used?.n), Number(used?.bytes)];

  const insert = (item: Held): Holding => {
    const { kind, tenant, source, eventId, head, body, at } = item;
    const known = sql.find.get(tenant, kind, eventId);
    if (known !== undefined) return { number: Number(known.number), bytes: 0 };
    const size = Buffer.byteLength(head) + body.byteLength;
    if (submissions >= bounds.submissionsMax || bytes + size > bounds.bytesMax) return 'full';
    const row = sql.insert.get(kind, tenant, source, eventId, at, size, head, body);
    submissions += 1;
    bytes += size;
    return { number: Number(row?.number), bytes: size };
  };
  const remove = (number: number): void => {
    const row = sql.remove.get(number);
    if (row === undefined) return;
    submissions -= 1;
    bytes -= Number(row.bytes);
  };
  const recount = <T>(work: () => T): T => {
    const before = [submissions, bytes] as const;
    try {
      return inTransaction(db, work);
    } catch (error) {
      [submissions, bytes] = before;
      throw error;
    }
  };

  return {
    hold: (items) => recount(() => items.map(insert)),
    first() {
      const row = sql.first.get();
      return row === undefined ? undefined : queuedOf(row);
    },
    done: (number) => recount(() => remove(number)),
    refuse(number, { type, line, entry, path, reason }, at) {
      recount(() => {
        const row = sql.whose.get(number);
        if (row === undefined) return;
        const { tenant = '', source = '', event = '' } = row;
        sql.refuse.run(tenant, at, source, event, line ?? null, entry, type, path, reason);
        sql.forget.run(at - REFUSED_KEPT_MS, tenant, tenant, LIMITS.refusalsKeptMax);
        remove(number);
      });
    },
    setAside: (number, at) => void sql.setAside.run(at, number),
    load() {
      const row = sql.load.get();
      return { submissions: Number(row?.n), bytes: Number(row?.bytes) };
    },
    ofTenant: (tenant) => tenantsOutbox(sql, tenant),
    purge: () => withoutTraces(db),
    close: () => db.close(),
  };
}

type Sql = ReturnType<typeof prepare>;
type Row = Record<string, unknown>;

function tenantsOutbox(sql: Sql, tenant: string): TenantsOutbox {
  const own = sql.own.get(tenant);
  const count = Number(own?.n);
  const records = sql.refused.all(tenant, OURS, LIMITS.entriesToldMax).map((row) => ({
    ...heldOf(row),
    path: String(row.path),
    reason: String(row.reason),
  }));
  const since = new Date(Number(own?.since ?? 0)).toISOString();
  return {
    refused: { count: Number(sql.refusals.get(tenant, tenant)?.n), records },
    ...(count > 0 && { outbox: { count, bytes: Number(own?.bytes), since } }),
  };
}

function queuedOf(row: Row): Queued {
  return {
    number: Number(row.number),
    kind: row.kind === 'record' ? 'record' : 'bundle',
    tenant: String(row.tenant),
    source: String(row.source),
    eventId: String(row.event),
    head: String(row.head),
    body: row.body as Uint8Array,
    at: Number(row.at),
    bytes: Number(row.bytes),
  };
}

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare('SELECT number FROM held WHERE tenant = ? AND kind = ? AND event = ?'),
    insert: db.prepare(`INSERT INTO held (kind, tenant, source, event, at, bytes, head, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING number`),
    first: db.prepare('SELECT * FROM held WHERE aside IS NULL ORDER BY number LIMIT 1'),
    remove: db.prepare('DELETE FROM held WHERE number = ? RETURNING bytes'),
    whose: db.prepare('SELECT tenant, source, event FROM held WHERE number = ?'),
    refuse: db.prepare(`INSERT INTO refused
      (tenant, at, source, event, line, entry, type, path, reason)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    forget: db.prepare(`DELETE FROM refused WHERE at < ? OR (tenant = ? AND number <= (
      SELECT number FROM refused WHERE tenant = ? ORDER BY number DESC LIMIT 1 OFFSET ?))`),
    setAside: db.prepare('UPDATE held SET aside = ? WHERE number = ?'),
    load: db.prepare(`SELECT count(*) AS n, ifnull(sum(bytes), 0) AS bytes FROM held
      WHERE aside IS NULL`),
    own: db.prepare(`SELECT count(*) AS n, ifnull(sum(bytes), 0) AS bytes, min(at) AS since
      FROM held WHERE tenant = ? AND aside IS NULL`),
    refusals: db.prepare(`SELECT (SELECT count(*) FROM refused WHERE tenant = ?) +
      (SELECT count(*) FROM held WHERE tenant = ? AND aside IS NOT NULL) AS n`),
    refused: db.prepare(`SELECT type, source, event, line, entry, at, path, reason
      FROM refused WHERE tenant = ?1
      UNION ALL SELECT kind, source, event, NULL, 0, aside, '', ?2 FROM held
      WHERE tenant = ?1 AND aside IS NOT NULL ORDER BY at DESC LIMIT ?3`),
  };
}
