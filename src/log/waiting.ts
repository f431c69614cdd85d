import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../kernel/limits.ts';
import type { BundleEntry } from '../twin/fhir/records.ts';

/** A record that waits, with who brought it. */
export interface Waiting {
  readonly number: number;
  readonly tenant: string;
  readonly source: string;
  readonly actor: string;
  readonly eventId: string;
  readonly entry: BundleEntry;
  /** Since when, in ms. */
  readonly at: number;
}

/** `stale`: a newer version of it waits already. `full`: there is no room for more. */
export type Held = 'waiting' | 'stale' | 'full';

/**
 * Records that wait for what they refer to: in the log's own file and the decider's transactions,
 * so that they are as durable as what was accepted.
 */
export interface WaitingRoom {
  hold(waiting: Omit<Waiting, 'number'>, needs: readonly string[]): Held;
  /** Whoever needs one of these is ready to be tried again. */
  arrived(tenant: string, needs: Iterable<string>): void;
  /** Records that are ready, in the order of their coming. */
  ready(limit: number): Waiting[];
  /** Tried again in vain: waits on, for something else. */
  wait(number: number, needs: readonly string[]): void;
  leave(number: number): void;
  /** Deleted at its source before it could be accepted. */
  withdraw(tenant: string, source: string, entry: BundleEntry): void;
  isEmpty(tenant: string): boolean;
  /** Those that wait since before this time. */
  overdue(before: number, limit: number): Waiting[];
}

export function createWaitingRoom(db: DatabaseSync): WaitingRoom {
  const sql = prepare(db);
  const need = (number: number, tenant: string, needs: readonly string[]): void => {
    for (const one of needs) sql.need.run(tenant, one, number);
  };
  const leave = (number: number): void => {
    sql.forget.run(number);
    sql.leave.run(number);
  };
  const find = (tenant: string, source: string, { type, id }: BundleEntry) => {
    const row = sql.find.get(tenant, source, type, id);
    return row === undefined ? undefined : waitingOf(row);
  };
  return {
    leave,
    hold({ tenant, source, actor, eventId, entry, at }, needs) {
      const { type, id } = entry;
      const before = find(tenant, source, entry);
      if (before !== undefined) {
        if (isOlder(entry, before.entry)) return 'stale';
        leave(before.number);
      }
      const body = JSON.stringify(entry);
      const bytes = Buffer.byteLength(body);
      const room = sql.room.get(tenant);
      const isFull =
        Number(room?.records ?? 0) >= LIMITS.waitingRecordsMax ||
        Number(room?.bytes ?? 0) + bytes > LIMITS.waitingBytesMax;
      if (isFull) return 'full';
      const where = [entry.line ?? null, entry.index] as const;
      const row = sql.hold.get(tenant, source, type, id, at, actor, eventId, ...where, body, bytes);
      need(Number(row?.number), tenant, needs);
      return 'waiting';
    },
    arrived(tenant, needs) {
      for (const one of needs) sql.arrived.run(tenant, one);
    },
    // Asked after each submission, most often in vain: whole rows are looked for only if there are any.
    ready: (limit) => (sql.anyReady.get() === undefined ? [] : sql.ready.all(limit).map(waitingOf)),
    wait(number, needs) {
      const tenant = String(sql.wait.get(number)?.tenant);
      sql.forget.run(number);
      need(number, tenant, needs);
    },
    withdraw(tenant, source, entry) {
      const held = find(tenant, source, entry);
      if (held !== undefined && !isOlder(entry, held.entry)) leave(held.number);
    },
    isEmpty: (tenant) => Number(sql.room.get(tenant)?.records ?? 0) === 0,
    overdue: (before, limit) => sql.overdue.all(before, limit).map(waitingOf),
  };
}

function isOlder({ lastUpdatedMs: own }: BundleEntry, { lastUpdatedMs: held }: BundleEntry) {
  return own !== undefined && held !== undefined && own < held;
}

function waitingOf(row: Record<string, unknown>): Waiting {
  return {
    number: Number(row.number),
    tenant: String(row.tenant),
    source: String(row.source),
    actor: String(row.actor),
    eventId: String(row.event),
    entry: JSON.parse(String(row.body)) as BundleEntry,
    at: Number(row.at),
  };
}

function prepare(db: DatabaseSync) {
  return {
    find: db.prepare(`SELECT * FROM waiting
      WHERE tenant = ? AND source = ? AND type = ? AND id = ?`),
    room: db.prepare('SELECT records, bytes FROM rooms WHERE tenant = ?'),
    hold: db.prepare(`INSERT INTO waiting
      (tenant, source, type, id, at, actor, event, line, entry, body, bytes, ready)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) RETURNING number`),
    need: db.prepare('INSERT OR IGNORE INTO needs VALUES (?, ?, ?)'),
    forget: db.prepare('DELETE FROM needs WHERE number = ?'),
    leave: db.prepare('DELETE FROM waiting WHERE number = ?'),
    arrived: db.prepare(`UPDATE waiting SET ready = 1
      WHERE number IN (SELECT number FROM needs WHERE tenant = ? AND need = ?)`),
    anyReady: db.prepare('SELECT 1 FROM waiting WHERE ready = 1 LIMIT 1'),
    ready: db.prepare('SELECT * FROM waiting WHERE ready = 1 ORDER BY number LIMIT ?'),
    wait: db.prepare('UPDATE waiting SET ready = 0 WHERE number = ? RETURNING tenant'),
    overdue: db.prepare('SELECT * FROM waiting WHERE at < ? ORDER BY at LIMIT ?'),
  };
}
