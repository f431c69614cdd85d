import type { DatabaseSync } from 'node:sqlite';
import type { Variant } from '../contract/documents.ts';
import { formatUri } from '../contract/uris.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { SourceRecord, StoredDocument, StoredSource, ViewShard } from '../twin/ports.ts';
import { subjectKey, subjectOf } from '../twin/subjects.ts';
import { changesAfter, changesIn, changesSince } from './change-rows.ts';
import { factsOf, searchFacts } from './fact-rows.ts';
import { KnownSubjects } from './known-subjects.ts';
import { findPersons } from './person-rows.ts';

/** SQLite's integers are 64 bits; ours are what a double holds exactly. */
const ROWS_MAX = 2 ** 31;

/** Every partition of one file, over a connection that can only read. */
export function createShard(
  db: DatabaseSync,
  partitions: number,
  commits?: () => number,
): ViewShard {
  const columns = 'documents.*, subjects.tenant FROM documents JOIN subjects USING (subject)';
  const document = db.prepare(`SELECT ${columns} WHERE uri = ? AND variant = ?`);
  const documents = db.prepare(`SELECT ${columns}
    WHERE subject IN (SELECT value FROM json_each(?)) AND uri > ? ORDER BY uri, variant LIMIT ?`);
  const source = db.prepare(`SELECT body, section, sensitive FROM sources
    WHERE subject = ? AND type = ? AND id = ? AND section IS NOT NULL`);
  const documentEtag = db.prepare('SELECT etag FROM documents WHERE uri = ? AND variant = ?');
  const sourceEtags = db.prepare(`SELECT general_etag AS general, full_etag AS full FROM sources
    WHERE subject = ? AND type = ? AND id = ? AND section = ?`);
  const members = db.prepare('SELECT member FROM persons WHERE tenant = ? ORDER BY member');
  const sources = db.prepare(`SELECT body, section, sensitive FROM sources
    WHERE subject = ? AND section IS NOT NULL ORDER BY type, id`);
  // Read through the unique index alone, as far as the type does not fit.
  const controls = db.prepare(`SELECT body FROM sources
    WHERE (subject, type, id) IN (SELECT subject, type, id FROM sources WHERE type = ?)
    ORDER BY subject`);
  const ownControls = db.prepare(
    'SELECT body FROM sources WHERE subject = ? AND type = ? ORDER BY id',
  );
  const known = new KnownSubjects(db);
  const place = db.prepare('SELECT offset FROM places WHERE part = ?');
  const version = db.prepare('PRAGMA data_version');
  const versionNow = (): number => Number(version.get()?.data_version);
  const stamp = db.prepare('SELECT etag, recorded FROM documents WHERE uri = ? AND variant = ?');
  return {
    document(uri, variant) {
      const row = document.get(uri, variant);
      return row === undefined ? undefined : documentOf(row);
    },
    source(subject, type, id) {
      const row = source.get(subjectKey(subject), type, id);
      return row === undefined ? undefined : sourceOf(row);
    },
    etagOf(uri, variant) {
      if (uri.kind === 'section') return etagIn(documentEtag.get(formatUri(uri), variant)?.etag);
      const subject = subjectKey({ kind: 'member', id: uri.member });
      return etagIn(sourceEtags.get(subject, uri.type, uri.id, uri.section)?.[variant]);
    },
    tenantOf: (subject) => known.of(subject)?.tenant,
    documents(subjects, after, limit) {
      const wanted = JSON.stringify(subjects.map(subjectKey));
      return documents.all(wanted, after, Math.min(limit, ROWS_MAX)).map(documentOf);
    },
    search: (query) => searchFacts(db, known, query),
    facts: (area, types) => factsOf(db, area, types),
    changes: (query) => changesAfter(db, partitions, query),
    changesAfter: (partition, offset, limit) => changesIn(db, partition, offset, limit),
    recentChanges: (uris, at) => changesSince(db, uris, at),
    people: (query) => findPersons(db, query),
    members: (tenant) => members.all(tenant).map(({ member }) => String(member)),
    sources: (subject) => sources.all(subjectKey(subject)).map(sourceOf),
    controls(type, subject) {
      const rows =
        subject === undefined ? controls.all(type) : ownControls.all(subjectKey(subject), type);
      return rows.map(({ body }) => JSON.parse(String(body)));
    },
    applied: (partition) => Number(place.get(partition)?.offset ?? -1),
    version: versionNow,
    commits: commits ?? versionNow,
    stampOf(uri, variant) {
      const row = stamp.get(uri, variant);
      return row && { etag: String(row.etag), recorded: String(row.recorded) };
    },
  };
}

/** A record of the `full` variant only has none in the other. */
function etagIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function documentOf(row: Record<string, unknown>): StoredDocument {
  return {
    uri: String(row.uri),
    tenant: String(row.tenant),
    subject: subjectOf(String(row.subject)),
    section: String(row.section),
    variant: row.variant as Variant,
    etag: String(row.etag),
    title: String(row.title),
    recorded: String(row.recorded),
    data: JSON.parse(String(row.data)) as JsonObject,
    notices: JSON.parse(String(row.notices)) as string[],
  };
}

function sourceOf({ body, section, sensitive }: Record<string, unknown>): StoredSource {
  const record = JSON.parse(String(body)) as SourceRecord;
  return { ...record, section: section as StoredSource['section'], sensitive: sensitive === 1 };
}
