import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, withoutTraces } from '../kernel/sqlite.ts';
import { FORGOTTEN } from '../twin/control.ts';

/**
 * What was written of forgotten members before they were forgotten: superseded versions of what is
 * buried now. Inside the caller's transaction; their tombstones stay for those who still must hear.
 */
export function dropForgotten(db: DatabaseSync): void {
  const first = db
    .prepare('SELECT 1 FROM heads WHERE id = ? AND type = ? AND gone = 0 LIMIT 1')
    .get(FORGOTTEN.id, FORGOTTEN.type);
  if (first === undefined) return;
  db.exec(`DELETE FROM records WHERE EXISTS (
    SELECT 1 FROM heads WHERE heads.key = records.key AND heads.gone = 1
      AND (heads.topic, heads.part, heads.offset) <> (records.topic, records.part, records.offset))`);
  // What SpiceDB has taken back, as far as it was said of them.
  db.exec(`DELETE FROM relations WHERE gone = 0 AND EXISTS (
    SELECT 1 FROM relations later
    WHERE later.key = relations.key AND later.offset > relations.offset AND later.gone = 1)`);
}

/** Also in the pages that are free, and in the write-ahead log. */
export function purgeForgotten(db: DatabaseSync): void {
  inTransaction(db, () => dropForgotten(db));
  withoutTraces(db);
}
