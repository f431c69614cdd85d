import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../kernel/sqlite.ts';
import { prepared } from '../kernel/statements.ts';
import type { LogRecord, Place, Subject, ViewChange } from '../twin/ports.ts';
import { subjectKey } from '../twin/subjects.ts';
import { storeChanges } from './change-rows.ts';
import type { Projector } from './projector.ts';
import { projectSubject } from './subject.ts';
import { SubjectCache } from './subject-cache.ts';
import type { Difference } from './versions.ts';

/** Records of one partition in order, and the offset that is reached with them. */
export interface Batch {
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** May lie past the last record: what compaction removed is not waited for. */
  readonly upTo: number;
}

export interface Applied {
  readonly changes: readonly ViewChange[];
  /** Subjects whose projection failed: faults of ours, for the log. */
  readonly failures: readonly { readonly subject: string; readonly message: string }[];
}

/**
 * Applies a batch in one transaction: sources, documents, index, persons, changes and the place.
 * It refuses nothing, and what was applied already has no second effect. `at` is now, in ms.
 */
export function applyBatch(
  db: DatabaseSync,
  projector: Projector,
  { partition, records, upTo }: Batch,
  at: number,
  cache = new SubjectCache(),
): Applied {
  return inTransaction(db, () => {
    const held = prepared(db, 'SELECT offset FROM places WHERE part = ?').get(partition);
    const reached = Number(held?.offset ?? -1);
    const changes: ViewChange[] = [];
    const failures: Applied['failures'][number][] = [];
    for (const own of bySubject(records.filter(({ offset }) => offset > reached))) {
      const { subject, tenant } = own[0];
      const key = subjectKey(subject);
      const { found, message } = cache.use(db, key, (stored) =>
        projectSubject(db, projector, { subject, tenant, partition, stored, records: own }),
      );
      if (message !== undefined) {
        failures.push({ subject: key, message });
        cache.forget(key);
      }
      changes.push(...changesOf(found, own[0], placesOf(own, partition), at));
    }
    storeChanges(db, changes);
    // As old as its newest record: a batch that comes late must not make the view look up to date.
    const newest = Date.parse(records.at(-1)?.provenance.recorded ?? '');
    prepared(
      db,
      `INSERT INTO places VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET offset = excluded.offset, at = max(at, excluded.at)`,
    ).run(partition, Math.max(reached, upTo), Number.isNaN(newest) ? 0 : newest);
    return { changes, failures };
  });
}

type Group = [LogRecord, ...LogRecord[]];

/** In the order in which the subjects first appear. */
function bySubject(records: readonly LogRecord[]): Group[] {
  const groups = new Map<string, Group>();
  for (const record of records) {
    const key = subjectKey(record.subject);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return [...groups.values()];
}

/** A source's change stands at its own record, a section's at the subject's last one. */
function placesOf(records: Group, partition: number): (record: string | undefined) => Place {
  const offsets = new Map(records.map(({ type, id, offset }) => [`${type}/${id}`, offset]));
  const last = Math.max(...offsets.values());
  return (record) => ({ partition, offset: offsets.get(record ?? '') ?? last });
}

/** @param places where the change of a record, or of a section, stands. */
export function changesOf(
  found: readonly Difference[],
  { subject, tenant }: { readonly subject: Subject; readonly tenant: string },
  places: (record: string | undefined) => Place,
  at: number,
): ViewChange[] {
  return found.map(({ version, kind, etag }) => {
    const { uri, section, variant, record } = version;
    return { uri, tenant, subject, section, variant, etag, kind, place: places(record), at };
  });
}
