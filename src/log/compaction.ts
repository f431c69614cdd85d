import type { DatabaseSync } from 'node:sqlite';
import { LEGAL_HOLD } from '../twin/control.ts';
import { TOMBSTONE_RETENTION_MS } from '../twin/retention.ts';
import { dropForgotten } from './purge.ts';

const DAY_MS = 24 * 3_600_000;
/** A superseded record may go once every view has had this long to read it. */
const SUPERSEDED_MS = 7 * DAY_MS;

/** Of members under legal hold every version stays, and every tombstone. */
const HELD = `SELECT subject FROM heads WHERE id = '${LEGAL_HOLD.id}'
  AND type = '${LEGAL_HOLD.type}' AND gone = 0`;
const NOT_HELD = `NOT EXISTS (
  SELECT 1 FROM heads WHERE heads.key = records.key AND heads.subject IN (${HELD}))`;

/** Removes what compaction may remove, inside the caller's transaction: never a live head. */
export function compact(db: DatabaseSync, at: number): void {
  const superseded = at - SUPERSEDED_MS;
  const expired = at - TOMBSTONE_RETENTION_MS;
  for (const table of ['seen', 'buried', 'refusals']) {
    db.prepare(`DELETE FROM ${table} WHERE at < ?`).run(expired);
  }
  db.prepare(`DELETE FROM records WHERE at < ? AND ${NOT_HELD} AND NOT EXISTS (
    SELECT 1 FROM heads WHERE heads.key = records.key AND heads.topic = records.topic
      AND heads.part = records.part AND heads.offset = records.offset)`).run(superseded);
  dropForgotten(db);
  db.prepare(`DELETE FROM records WHERE EXISTS (
    SELECT 1 FROM heads WHERE heads.key = records.key AND heads.gone = 1 AND heads.at < ?
      AND heads.subject NOT IN (${HELD}))`).run(expired);
  db.prepare(`DELETE FROM heads WHERE gone = 1 AND at < ? AND subject NOT IN (${HELD})`).run(
    expired,
  );
  db.prepare(`DELETE FROM relations WHERE at < ? AND EXISTS (
    SELECT 1 FROM relations later
    WHERE later.key = relations.key AND later.offset > relations.offset)`).run(superseded);
  db.prepare('DELETE FROM relations WHERE gone = 1 AND at < ?').run(expired);
}
