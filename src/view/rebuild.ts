import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../kernel/sqlite.ts';
import type { ViewChange } from '../twin/ports.ts';
import { subjectOf } from '../twin/subjects.ts';
import { changesOf } from './apply.ts';
import { storeChanges } from './change-rows.ts';
import { placesOf } from './schema.ts';
import { differences, versionsOf } from './versions.ts';

/**
 * Compares a view that was built anew (`db`) with the one it replaces, and stores what a reader
 * would notice. Within one log, the changes told before stay in the feed; offsets of another log
 * mean nothing here, so then they go and older cursors meet a gap.
 */
export function reconcile(
  db: DatabaseSync,
  oldPath: string,
  { partitions, sameLog, at }: { partitions: number; sameLog: boolean; at: number },
): ViewChange[] {
  db.prepare('ATTACH ? AS old').run(oldPath);
  try {
    return inTransaction(db, () => {
      if (sameLog) db.exec('DELETE FROM changes; INSERT INTO changes SELECT * FROM old.changes');
      const places = placesOf(db, partitions);
      const subjects = db
        .prepare(`SELECT subject, tenant, part FROM subjects
          UNION SELECT subject, tenant, part FROM old.subjects
          WHERE subject NOT IN (SELECT subject FROM subjects) ORDER BY subject`)
        .all();
      const changes = subjects.flatMap((row) => {
        const key = String(row.subject);
        const of = { subject: subjectOf(key), tenant: String(row.tenant) };
        const partition = Number(row.part);
        const place = { partition, offset: places[partition] ?? -1 };
        const found = differences(versionsOf(db, 'old', key), versionsOf(db, 'main', key));
        return changesOf(found, of, () => place, at);
      });
      storeChanges(db, changes);
      return changes;
    });
  } finally {
    db.exec('DETACH old');
  }
}
