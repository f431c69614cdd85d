import type { DatabaseSync } from 'node:sqlite';
import { formatUri, type Section } from '../contract/uris.ts';
import { prepared } from '../kernel/statements.ts';
import { TIME_PASSED } from '../twin/documents/time.ts';
import type { SourceRecord, StoredSource, Subject } from '../twin/ports.ts';
import type { ProjectedDocument, Projection } from '../twin/projection.ts';
import { subjectKey } from '../twin/subjects.ts';
import { replaceFacts } from './fact-rows.ts';
import { replacePerson } from './person-rows.ts';
import { type Projector, type Stamp, stampOf } from './projector.ts';

export interface TouchedSubject {
  readonly subject: Subject;
  readonly tenant: string;
  readonly partition: number;
  /** `Type/id` of records that were written since the last projection. */
  readonly touched: ReadonlySet<string>;
}

interface Row {
  readonly key: string;
  readonly record: SourceRecord;
  readonly uri: string | null;
  readonly section: Section | 'session' | null;
  readonly sensitive: boolean;
}

const STALE_NOTICE =
  'This part could not be brought up to date after its last change; it shows an earlier state.';

/**
 * Projects one subject anew from its stored sources, inside the caller's transaction.
 * @returns what went wrong, if the projection failed: the subject's documents then stay as they
 * were and say so, its newest records cannot be read, and everybody else's are not held up.
 */
export function projectSubject(
  db: DatabaseSync,
  projector: Projector,
  { subject, tenant, partition, touched }: TouchedSubject,
): string | undefined {
  const key = subjectKey(subject);
  const number = numberOf(db, key, tenant, partition);
  const rows = sourceRows(db, key);
  db.exec('SAVEPOINT projection');
  try {
    const projection = projector.project(
      subject,
      rows.map(({ record }) => record),
    );
    storeDocuments(db, projector, key, projection, rows);
    stampSources(db, projector, projection, rows, touched);
    replaceFacts(db, key, number, projection.index);
    if (subject.kind === 'member') replacePerson(db, subject.id, tenant, projection.person);
    db.exec('RELEASE projection');
    return undefined;
  } catch (error) {
    if (!db.isTransaction || (error instanceof Error && 'errcode' in error)) throw error;
    db.exec('ROLLBACK TO projection; RELEASE projection');
    markStale(db, projector, key, touched);
    return error instanceof Error ? error.message : String(error);
  }
}

function numberOf(db: DatabaseSync, key: string, tenant: string, partition: number): number {
  prepared(db, 'INSERT OR IGNORE INTO subjects (subject, tenant, part) VALUES (?, ?, ?)').run(
    ...[key, tenant, partition],
  );
  return Number(prepared(db, 'SELECT number FROM subjects WHERE subject = ?').get(key)?.number);
}

/** In the order of their keys, so that the order of arrival never shows in a document. */
function sourceRows(db: DatabaseSync, subject: string): Row[] {
  return prepared(
    db,
    `SELECT body, uri, section, sensitive FROM sources WHERE subject = ?
      ORDER BY type, id`,
  )
    .all(subject)
    .map(({ body, uri, section, sensitive }) => {
      const record = JSON.parse(String(body)) as SourceRecord;
      const key = `${record.type}/${record.id}`;
      const of = { uri: uri as string | null, section: section as Section | 'session' | null };
      return { key, record, ...of, sensitive: sensitive === 1 };
    });
}

/** Most changes touch one document of many: those that say what they said stay as they are. */
function storeDocuments(
  db: DatabaseSync,
  projector: Projector,
  subject: string,
  projection: Projection,
  rows: readonly Row[],
): void {
  const held = new Map(
    prepared(db, 'SELECT * FROM documents WHERE subject = ?')
      .all(subject)
      .map((row) => [`${row.variant} ${row.uri}`, row]),
  );
  const put = prepared(db, `INSERT OR REPLACE INTO documents VALUES (${Array(10).fill('?')})`);
  for (const document of projection.documents) {
    const { uri, variant, section, title } = document;
    const recorded = newest(document, projection, rows);
    const data = JSON.stringify(document.data);
    const notices = JSON.stringify(document.notices);
    const same = held.get(`${variant} ${uri}`);
    held.delete(`${variant} ${uri}`);
    const saysSame = same?.data === data && same.notices === notices;
    if (saysSame && same.title === title && same.recorded === recorded) continue;
    const { etag, digest } = saysSame ? stampIn(same) : stampOf(projector, uri, variant, document);
    put.run(uri, variant, subject, section, etag, digest, title, recorded, data, notices);
  }
  const drop = prepared(db, 'DELETE FROM documents WHERE uri = ? AND variant = ?');
  for (const { uri = null, variant = null } of held.values()) drop.run(uri, variant);
}

function stampIn({ etag, digest }: Record<string, unknown>): Stamp {
  return { etag: String(etag), digest: String(digest) };
}

/** Of what the variant holds only: a time must not tell of a record that may not be seen. */
function newest(
  { section, variant }: ProjectedDocument,
  { sections, sensitive }: Projection,
  rows: readonly Row[],
): string {
  const visible = rows.filter(
    ({ key, record }) =>
      record.type !== TIME_PASSED.type && (variant === 'full' || !sensitive.has(key)),
  );
  const own = visible.filter(({ key }) => section === 'session' || sections.get(key) === section);
  const times = (own.length > 0 ? own : visible).map(({ record }) => record.provenance.recorded);
  return times.sort().at(-1) ?? '';
}

/** Section, sensitivity, etag and digest of the sources that changed in any of these. */
function stampSources(
  db: DatabaseSync,
  projector: Projector,
  projection: Projection,
  rows: readonly Row[],
  touched: ReadonlySet<string>,
): void {
  const put = prepared(
    db,
    `UPDATE sources SET section = ?, sensitive = ?, uri = ?,
    general_digest = ?, general_etag = ?, full_digest = ?, full_etag = ?
    WHERE subject = ? AND type = ? AND id = ?`,
  );
  for (const { key, record, ...held } of rows) {
    const section = projection.sections.get(key) ?? null;
    const sensitive = projection.sensitive.has(key);
    const same = held.section === section && held.sensitive === sensitive;
    if (same && !touched.has(key)) continue;
    const { subject, type, id } = record;
    const at = [subjectKey(subject), type, id] as const;
    const flag = sensitive ? 1 : 0;
    if (section === null || section === 'session' || subject.kind !== 'member') {
      put.run(section, flag, null, null, null, null, null, ...at);
      continue;
    }
    const uri = formatUri({ kind: 'source', member: subject.id, section, type, id });
    const source: StoredSource = { ...record, section, sensitive };
    const stamp = (variant: 'general' | 'full') =>
      stampOf(projector, uri, variant, projector.sourceDocument(source, variant));
    const general = sensitive ? undefined : stamp('general');
    const full = stamp('full');
    const ofGeneral = [general?.digest ?? null, general?.etag ?? null];
    put.run(section, flag, uri, ...ofGeneral, full.digest, full.etag, ...at);
  }
}

/** Deny when unsure: whether the newest records are protected is not known. */
function markStale(
  db: DatabaseSync,
  projector: Projector,
  subject: string,
  touched: ReadonlySet<string>,
): void {
  const hide = prepared(
    db,
    `UPDATE sources SET section = NULL, sensitive = 1, uri = NULL
    WHERE subject = ? AND type || '/' || id = ?`,
  );
  for (const key of touched) hide.run(subject, key);
  const mark = prepared(
    db,
    'UPDATE documents SET notices = ?, etag = ?, digest = ? WHERE uri = ? AND variant = ?',
  );
  const documents = prepared(db, 'SELECT * FROM documents WHERE subject = ?').all(subject);
  for (const { uri, variant, title, data, notices } of documents) {
    const said = JSON.parse(String(notices)) as string[];
    if (said.includes(STALE_NOTICE)) continue;
    const content = {
      title: String(title),
      data: JSON.parse(String(data)),
      notices: [...said, STALE_NOTICE],
    };
    const of = variant === 'full' ? 'full' : 'general';
    const { etag, digest } = stampOf(projector, String(uri), of, content);
    mark.run(JSON.stringify(content.notices), etag, digest, String(uri), of);
  }
}
