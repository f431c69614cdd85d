import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../kernel/limits.ts';
import type { HeldRecord, HeldRecords } from '../twin/ports.ts';

type Row = Record<string, unknown>;

/** What of a tenant waits, oldest first, and what was refused, newest first; bounded. */
export function heldRecords(db: DatabaseSync, tenant: string): HeldRecords {
  const room = db.prepare('SELECT records, bytes FROM rooms WHERE tenant = ?').get(tenant);
  const needs = db.prepare('SELECT need FROM needs WHERE number = ? ORDER BY need');
  const waiting = db
    .prepare(`SELECT number, source, type, at, event, line, entry FROM waiting
      WHERE tenant = ? ORDER BY at, number LIMIT ?`)
    .all(tenant, LIMITS.entriesToldMax)
    .map((row) => {
      const kinds = needs.all(Number(row.number)).map(({ need }) => kindOfNeed(String(need)));
      return { ...heldOf(row), needs: [...new Set(kinds)] };
    });
  const refused = db
    .prepare('SELECT * FROM refusals WHERE tenant = ? ORDER BY number DESC LIMIT ?')
    .all(tenant, LIMITS.entriesToldMax)
    .map((row) => ({ ...heldOf(row), path: String(row.path), reason: String(row.reason) }));
  const count = db.prepare('SELECT count(*) AS count FROM refusals WHERE tenant = ?').get(tenant);
  return {
    waiting: {
      count: Number(room?.records ?? 0),
      bytes: Number(room?.bytes ?? 0),
      records: waiting,
    },
    refused: { count: Number(count?.count), records: refused },
  };
}

/** An identifier may be a person's: what is shown ends before it. */
function kindOfNeed(need: string): string {
  if (need.startsWith('urn:')) return 'a record with that urn';
  const [, type = ''] = /^([A-Za-z]+)/.exec(need) ?? [];
  return need.includes('?') ? `${type} with that identifier` : type;
}

/** Where a record that waits, or was refused, stood; a row of any store of this room. */
export function heldOf(row: Row): HeldRecord {
  return {
    type: String(row.type),
    source: String(row.source),
    eventId: String(row.event),
    ...(typeof row.line === 'number' && { line: row.line }),
    entry: Number(row.entry),
    at: new Date(Number(row.at)).toISOString(),
  };
}
