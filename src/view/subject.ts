import type { DatabaseSync } from 'node:sqlite';
import type { Variant } from '../contract/documents.ts';
import { formatUri } from '../contract/uris.ts';
import { prepared } from '../kernel/statements.ts';
import { isControl } from '../twin/control.ts';
import type { LogRecord, StoredSource, Subject } from '../twin/ports.ts';
import type { ProjectedDocument, Projection } from '../twin/projection.ts';
import { subjectKey } from '../twin/subjects.ts';
import { type Projector, stampOf } from './projector.ts';
import type { StoredSubject } from './subject-cache.ts';
import type { Dated, Replaced } from './subject-documents.ts';
import { type Row, type SubjectRows, versionsOfRow } from './subject-rows.ts';
import { type Difference, differences, type Version, versionsIn, versionsOf } from './versions.ts';

export interface ChangedSubject {
  readonly subject: Subject;
  readonly tenant: string;
  readonly partition: number;
  readonly stored: StoredSubject;
  /** New since the last projection, in the order of the log. */
  readonly records: readonly LogRecord[];
}

export interface Projected {
  /** What differs for a reader. */
  readonly found: readonly Difference[];
  /** What went wrong, if the projection failed. */
  readonly message?: string;
}

const STALE_NOTICE =
  'This part could not be brought up to date after its last change; it shows an earlier state.';

/**
 * Stores records and projects their subject anew, inside the caller's transaction. Where the
 * projection fails the subject's documents stay as they were and say so, its newest records cannot
 * be read, and everybody else's are not held up; `stored` must then not be used again.
 */
export function projectSubject(
  db: DatabaseSync,
  projector: Projector,
  { subject, tenant, partition, stored, records }: ChangedSubject,
): Projected {
  const key = subjectKey(subject);
  stored.number ??= numberOf(db, key, tenant, partition);
  const gone = stored.rows.take(db, records);
  const touched = new Set(records.map(({ type, id }) => `${type}/${id}`));
  prepared(db, 'SAVEPOINT projection').run();
  try {
    const sources = stored.rows.sorted.map(({ record }) => record);
    const projection = projector.project(subject, sources, stored.memory);
    const dated = datedDocuments(projection, stored.rows.sorted);
    const documents = stored.documents.replace(db, projector, dated);
    const stamped = stampSources(db, projector, projection, stored.rows, touched);
    stored.facts.replace(db, stored.number, projection.index);
    if (subject.kind === 'member') stored.person.replace(db, tenant, projection.person);
    prepared(db, 'RELEASE projection').run();
    const before = [...documents.before, ...stamped.before, ...gone];
    const after = [...documents.after, ...stamped.after];
    return { found: differences(versionsIn(before), versionsIn(after)) };
  } catch (error) {
    if (!db.isTransaction || (error instanceof Error && 'errcode' in error)) throw error;
    db.exec('ROLLBACK TO projection; RELEASE projection');
    const before = [...versionsOf(db, 'main', key).values(), ...gone];
    stored.rows.hide(db, touched);
    markStale(db, projector, key);
    const found = differences(versionsIn(before), versionsOf(db, 'main', key));
    return { found, message: error instanceof Error ? error.message : String(error) };
  }
}

function numberOf(db: DatabaseSync, key: string, tenant: string, partition: number): number {
  prepared(db, 'INSERT OR IGNORE INTO subjects (subject, tenant, part) VALUES (?, ?, ?)').run(
    ...[key, tenant, partition],
  );
  return Number(prepared(db, 'SELECT number FROM subjects WHERE subject = ?').get(key)?.number);
}

function datedDocuments(projection: Projection, rows: readonly Row[]): Dated[] {
  return projection.documents.map((document) => ({
    document,
    recorded: newest(document, projection, rows),
  }));
}

/** Of what the variant holds only: a time must not tell of a record that may not be seen. */
function newest(
  { section, variant }: ProjectedDocument,
  { sections, sensitive }: Projection,
  rows: readonly Row[],
): string {
  let own = '';
  let any = '';
  for (const { key, record } of rows) {
    if (isControl(record.type) || (variant !== 'full' && sensitive.has(key))) continue;
    const { recorded } = record.provenance;
    if (recorded > any) any = recorded;
    const isOwn = section === 'session' || sections.get(key) === section;
    if (isOwn && recorded > own) own = recorded;
  }
  return own === '' ? any : own;
}

/** Section, sensitivity, etag and digest of the sources that changed in any of these. */
function stampSources(
  db: DatabaseSync,
  projector: Projector,
  projection: Projection,
  rows: SubjectRows,
  touched: ReadonlySet<string>,
): Replaced {
  const before: Version[] = [];
  const after: Version[] = [];
  for (const row of rows.sorted) {
    const section = projection.sections.get(row.key) ?? null;
    const sensitive = projection.sensitive.has(row.key);
    const same = row.section === section && row.sensitive === sensitive;
    if (same && !touched.has(row.key)) continue;
    const stamped = stampRow(projector, { ...row, section, sensitive });
    rows.write(db, stamped);
    before.push(...versionsOfRow(row));
    after.push(...versionsOfRow(stamped));
  }
  return { before, after };
}

function stampRow(projector: Projector, row: Row): Row {
  const { record, section, sensitive } = row;
  const { subject, type, id } = record;
  if (section === null || section === 'session' || subject.kind !== 'member') {
    return { ...row, uri: null, general: null, full: null };
  }
  const uri = formatUri({ kind: 'source', member: subject.id, section, type, id });
  const source: StoredSource = { ...record, section, sensitive };
  const stamp = (variant: Variant) =>
    stampOf(projector, uri, variant, projector.sourceDocument(source, variant));
  return { ...row, uri, general: sensitive ? null : stamp('general'), full: stamp('full') };
}

function markStale(db: DatabaseSync, projector: Projector, subject: string): void {
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
    const of = variant as Variant;
    const { etag, digest } = stampOf(projector, String(uri), of, content);
    mark.run(JSON.stringify(content.notices), etag, digest, String(uri), of);
  }
}
