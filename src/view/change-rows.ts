import type { DatabaseSync } from 'node:sqlite';
import type { Variant } from '../contract/documents.ts';
import { LIMITS } from '../kernel/limits.ts';
import { prepared } from '../kernel/statements.ts';
import type { ChangesQuery, ViewChange } from '../twin/ports.ts';
import { subjectKey, subjectOf } from '../twin/subjects.ts';

export function storeChanges(db: DatabaseSync, changes: readonly ViewChange[]): void {
  const put = prepared(db, `INSERT OR REPLACE INTO changes VALUES (${Array(10).fill('?')})`);
  for (const { uri, tenant, subject, section, variant, etag, kind, place, at } of changes) {
    const { partition, offset } = place;
    const key = subjectKey(subject);
    put.run(partition, offset, uri, variant, key, tenant, section, etag, kind, at);
  }
}

/**
 * Past the retention a change goes once a later one of the same document stands, or the document
 * is gone: the feed from its start still names everything that there is.
 */
export function pruneChanges(db: DatabaseSync, at: number): void {
  prepared(
    db,
    `DELETE FROM changes WHERE at < ? AND (kind = 'deleted' OR EXISTS (
    SELECT 1 FROM changes later WHERE later.uri = changes.uri
      AND later.variant = changes.variant AND later.offset > changes.offset))`,
  ).run(at - LIMITS.changesRetentionMs);
}

/** In order of partition and offset; whole offsets, so an answer may exceed the limit a little. */
export function changesAfter(
  db: DatabaseSync,
  partitions: number,
  { subjects, after, upTo, limit }: ChangesQuery,
): ViewChange[] {
  const wanted = JSON.stringify(subjects.map(subjectKey));
  const of = `FROM changes WHERE part = ? AND offset > ? AND offset <= ?
    AND subject IN (SELECT value FROM json_each(?))`;
  const first = prepared(db, `SELECT * ${of} ORDER BY offset, uri, variant LIMIT ?`);
  const whole = prepared(db, `SELECT * ${of} ORDER BY offset, uri, variant`);
  const found: ViewChange[] = [];
  for (let part = 0; part < partitions && found.length < limit; part++) {
    const from = after.get(part) ?? -1;
    const to = upTo?.get(part) ?? Number.MAX_SAFE_INTEGER;
    const rows = first.all(part, from, to, wanted, limit - found.length);
    const last = rows.at(-1);
    const cut = last !== undefined && rows.length === limit - found.length;
    const complete = cut ? whole.all(part, from, Number(last.offset), wanted) : rows;
    found.push(...complete.map(changeOf));
  }
  return found;
}

/** Of one partition, of all subjects; whole offsets, as above. */
export function changesIn(
  db: DatabaseSync,
  part: number,
  offset: number,
  limit: number,
): ViewChange[] {
  const of = 'FROM changes WHERE part = ? AND offset > ?';
  const order = 'ORDER BY offset, uri, variant';
  const first = prepared(db, `SELECT * ${of} ${order} LIMIT ?`).all(part, offset, limit);
  const last = first.at(-1);
  const isCut = last !== undefined && first.length === limit;
  const rows = isCut
    ? prepared(db, `SELECT * ${of} AND offset <= ? ${order}`).all(part, offset, Number(last.offset))
    : first;
  return rows.map(changeOf);
}

export function changesSince(db: DatabaseSync, uris: readonly string[], at: number): ViewChange[] {
  return prepared(
    db,
    `SELECT * FROM changes WHERE uri IN (SELECT value FROM json_each(?)) AND at >= ?
      AND NOT EXISTS (SELECT 1 FROM changes later WHERE later.uri = changes.uri
        AND later.variant = changes.variant AND later.offset > changes.offset)
      ORDER BY uri, variant`,
  )
    .all(JSON.stringify(uris), at)
    .map(changeOf);
}

function changeOf(row: Record<string, unknown>): ViewChange {
  return {
    uri: String(row.uri),
    tenant: String(row.tenant),
    subject: subjectOf(String(row.subject)),
    section: row.section as ViewChange['section'],
    variant: row.variant as Variant,
    etag: String(row.etag),
    kind: row.kind as ViewChange['kind'],
    place: { partition: Number(row.part), offset: Number(row.offset) },
    at: Number(row.at),
  };
}
