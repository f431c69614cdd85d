import type { DatabaseSync } from 'node:sqlite';
import type { Variant } from '../contract/documents.ts';
import { prepared } from '../kernel/statements.ts';
import type { ViewChange } from '../twin/ports.ts';

/** What stands at a URI in a variant: a section document, or one source record. */
export interface Version {
  readonly uri: string;
  readonly variant: Variant;
  readonly section: ViewChange['section'];
  readonly etag: string;
  readonly digest: string;
  /** `Type/id` of a source record. */
  readonly record?: string;
}

export type Versions = ReadonlyMap<string, Version>;

/** By variant and URI. */
export function versionsIn(versions: readonly Version[]): Versions {
  return new Map(versions.map((version) => [`${version.variant} ${version.uri}`, version]));
}

export interface Difference {
  readonly version: Version;
  readonly kind: ViewChange['kind'];
  readonly etag: string;
}

/** All versions of one subject. A record of the `full` variant only has no general version. */
export function versionsOf(db: DatabaseSync, schema: 'main' | 'old', subject: string): Versions {
  const versions: Version[] = [];
  // The other view is attached only for as long as it is compared with.
  const ask = (sql: string) => (schema === 'main' ? prepared(db, sql) : db.prepare(sql));
  const documents = ask(`SELECT uri, variant, section, etag, digest FROM ${schema}.documents
      WHERE subject = ?`).all(subject);
  for (const row of documents) versions.push({ ...(row as unknown as Version) });
  const sources =
    ask(`SELECT type || '/' || id AS record, uri, section, general_etag, general_digest,
      full_etag, full_digest FROM ${schema}.sources WHERE subject = ? AND uri IS NOT NULL`).all(
      subject,
    );
  for (const row of sources) {
    const of = {
      uri: String(row.uri),
      section: row.section as Version['section'],
      record: String(row.record),
    };
    for (const variant of ['general', 'full'] as const) {
      const etag = row[`${variant}_etag`];
      if (typeof etag !== 'string') continue;
      versions.push({ ...of, variant, etag, digest: String(row[`${variant}_digest`]) });
    }
  }
  return versionsIn(versions);
}

/** What a reader would notice: content that differs, not merely a version of the projection. */
export function differences(before: Versions, after: Versions): Difference[] {
  const found: Difference[] = [];
  for (const [key, version] of after) {
    const old = before.get(key);
    if (old === undefined) found.push({ version, kind: 'created', etag: version.etag });
    else if (old.digest !== version.digest) {
      found.push({ version, kind: 'updated', etag: version.etag });
    }
  }
  for (const [key, version] of before) {
    if (!after.has(key)) found.push({ version, kind: 'deleted', etag: '' });
  }
  return found;
}
