import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { partitionOf } from '../kernel/murmur2.ts';
import { FORGOTTEN } from '../twin/control.ts';
import type { Place, RelationChange, SourceRecord, Subject } from '../twin/ports.ts';
import { partitionKey, recordKey, subjectKey, subjectOf } from '../twin/subjects.ts';
import {
  type DeciderState,
  type DirectoryRecord,
  directoryKey,
  type Head,
  type HeadFacts,
} from './decider-state.ts';
import { digestOf, recordBodyOf } from './integrity.ts';
import { appendRelation } from './relations.ts';
import { TOPICS } from './schema.ts';
import { createNotes } from './sqlite-notes.ts';

/** Carriers are asked for to know whether there is exactly one. */
const AMBIGUOUS = 2;
const DIRECTORY = 'directory';

type Statements = ReturnType<typeof prepare>;

/** The decider's state in the log's own database, inside the caller's transaction. */
export interface SqliteState extends DeciderState {
  /** When it is, and who says it, for what is written from now on. */
  begin(at: number, actor: string): void;
  /** As `append` and `appendDirectory` left it where they were called; identifiers come as rows. */
  restore(record: SourceRecord, facts: RestoredFacts): void;
  restoreDirectory(record: DirectoryRecord, facts: RestoredFacts): void;
}

export type RestoredFacts = Omit<HeadFacts, 'identifiers'>;

export function createSqliteState(db: DatabaseSync, partitions: number): SqliteState {
  const sql = prepare(db);
  let now = 0;
  let actor = '';

  function putSource(record: SourceRecord, facts: PutFacts): Place {
    const partition = partitionOf(partitionKey(record.subject), partitions);
    const head = {
      key: recordKey(record),
      topic: TOPICS.sources,
      subject: subjectKey(record.subject),
    };
    const offset = put(sql, head, partition, record, facts, now);
    return { partition, offset };
  }

  function putDirectory(record: DirectoryRecord, facts: PutFacts): void {
    const head = { key: directoryKey(record), topic: TOPICS.directory, subject: DIRECTORY };
    put(sql, head, 0, record, facts, now);
  }

  return {
    ...readers(sql),
    ...createNotes(db, () => now),
    begin(at, by) {
      now = at;
      actor = by;
    },
    keepOutcome: (tenant, event, outcome) => void sql.see.run(tenant, event, now, outcome),
    enrol({ member, tenant, source, patient }) {
      sql.enrol.run(member, tenant, source, patient, now);
      appendRelation(db, organizationOf(member, tenant), { at: now, actor });
    },
    setName(tenant, reference, name) {
      if (name === undefined) sql.unname.run(tenant, reference);
      else sql.name.run(tenant, reference, name);
    },
    append: (record, facts) => putSource(record, facts),
    appendDirectory: (record, facts) => putDirectory(record, facts),
    restore: (record, facts) => void putSource(record, { ...facts, identifiers: undefined }),
    restoreDirectory: (record, facts) => putDirectory(record, { ...facts, identifiers: undefined }),
  };
}

type Readers = Pick<
  DeciderState,
  | 'outcome'
  | 'head'
  | 'latest'
  | 'tenantOf'
  | 'forgottenBy'
  | 'holders'
  | 'practitionersWith'
  | 'identified'
  | 'nameOf'
  | 'mentioning'
>;

function readers(sql: Statements): Readers {
  return {
    outcome: (tenant, event) => text(sql.outcome.get(tenant, event)?.outcome),
    head: (key) => headOf(sql.head.get(key)),
    latest(key) {
      const row = sql.latest.get(key);
      return row === undefined ? undefined : (JSON.parse(recordBodyOf(row)) as SourceRecord);
    },
    tenantOf(subject) {
      const row =
        subject.kind === 'member'
          ? sql.memberTenant.get(subject.id)
          : sql.subjectTenant.get(subjectKey(subject));
      return text(row?.tenant);
    },
    forgottenBy: (member) =>
      text(sql.forgotten.get(subjectKey({ kind: 'member', id: member }), FORGOTTEN.type)?.tenant),
    holders: (tenant, type, id) =>
      sql.holders.all(tenant, type, id).map(({ subject }) => holderOf(String(subject))),
    practitionersWith: (tenant, type, id) =>
      sql.practitionersWith.all(tenant, type, id).map(({ subject }) => subjectOf(String(subject))),
    identified: (tenant, type, { system, value }) =>
      sql.identified.all(tenant, type, system, value).map(({ id }) => String(id)),
    nameOf: (tenant, reference) => text(sql.nameOf.get(tenant, reference)?.name),
    mentioning: (tenant, reference) =>
      sql.mentioning.all(tenant, reference).map(({ key }) => String(key)),
  };
}

/** Without identifiers, those that are there stay. */
type PutFacts = RestoredFacts & { readonly identifiers: HeadFacts['identifiers'] | undefined };

function put(
  sql: Statements,
  head: { readonly key: string; readonly topic: string; readonly subject: string },
  partition: number,
  record: DirectoryRecord,
  { hash, lastUpdatedMs, mentions, identifiers }: PutFacts,
  at: number,
): number {
  const { key, topic, subject } = head;
  const { tenant, type, id } = record;
  const offset = Number(sql.next.get(topic, partition)?.next) - 1;
  const gone = record.resource === null ? 1 : 0;
  const updated = lastUpdatedMs ?? null;
  const row = [topic, partition, offset, key, at, JSON.stringify(record)] as const;
  sql.record.run(...row, digestOf(...row));
  sql.setHead.run(
    key,
    topic,
    tenant,
    subject,
    type,
    id,
    partition,
    offset,
    at,
    updated,
    hash,
    gone,
  );
  sql.unmention.run(key);
  for (const reference of mentions) sql.mention.run(tenant, reference, key);
  if (identifiers === undefined) return offset;
  sql.unidentify.run(tenant, type, id);
  for (const { system, value } of identifiers) sql.identify.run(tenant, type, system, value, id);
  return offset;
}

function prepare(db: DatabaseSync) {
  const live = 'tenant = ? AND type = ? AND id = ? AND gone = 0';
  const saidAgain = "subject GLOB 'practitioner:*'";
  return {
    outcome: db.prepare('SELECT outcome FROM seen WHERE tenant = ? AND event = ?'),
    see: db.prepare('INSERT INTO seen VALUES (?, ?, ?, ?)'),
    head: db.prepare('SELECT part, offset, hash, last_updated FROM heads WHERE key = ?'),
    latest: db.prepare(`SELECT records.* FROM heads JOIN records USING (topic, part, offset)
      WHERE heads.key = ? AND gone = 0`),
    setHead: db.prepare(`INSERT OR REPLACE INTO heads VALUES (${Array(12).fill('?')})`),
    next: db.prepare(`INSERT INTO ends VALUES (?, ?, 1)
      ON CONFLICT DO UPDATE SET next = next + 1 RETURNING next`),
    record: db.prepare(`INSERT INTO records VALUES (${Array(7).fill('?')})`),
    memberTenant: db.prepare('SELECT tenant FROM members WHERE member = ?'),
    forgotten: db.prepare('SELECT tenant FROM heads WHERE subject = ? AND type = ? AND gone = 0'),
    subjectTenant: db.prepare('SELECT tenant FROM heads WHERE subject = ? LIMIT 1'),
    enrol: db.prepare('INSERT INTO members VALUES (?, ?, ?, ?, ?)'),
    holders: db.prepare(`SELECT DISTINCT subject FROM heads WHERE ${live} AND NOT ${saidAgain}`),
    practitionersWith: db.prepare(
      `SELECT DISTINCT subject FROM heads WHERE ${live} AND ${saidAgain} ORDER BY subject`,
    ),
    identified: db.prepare(`SELECT id FROM identifiers
      WHERE tenant = ? AND type = ? AND system = ? AND value = ? LIMIT ${AMBIGUOUS}`),
    identify: db.prepare('INSERT OR IGNORE INTO identifiers VALUES (?, ?, ?, ?, ?)'),
    unidentify: db.prepare('DELETE FROM identifiers WHERE tenant = ? AND type = ? AND id = ?'),
    nameOf: db.prepare('SELECT name FROM names WHERE tenant = ? AND reference = ?'),
    name: db.prepare('INSERT OR REPLACE INTO names VALUES (?, ?, ?)'),
    unname: db.prepare('DELETE FROM names WHERE tenant = ? AND reference = ?'),
    mentioning: db.prepare('SELECT key FROM mentions WHERE tenant = ? AND reference = ?'),
    mention: db.prepare('INSERT OR IGNORE INTO mentions VALUES (?, ?, ?)'),
    unmention: db.prepare('DELETE FROM mentions WHERE key = ?'),
  };
}

function organizationOf(member: string, tenant: string): RelationChange {
  return {
    operation: 'touch',
    relationship: {
      resource: { type: 'member', id: member },
      relation: 'organization',
      subject: { type: 'organization', id: tenant },
    },
  };
}

function headOf(row: Record<string, SQLInputValue> | undefined): Head | undefined {
  if (row === undefined) return undefined;
  const place: Place = { partition: Number(row.part), offset: Number(row.offset) };
  const hash = String(row.hash);
  return row.last_updated === null
    ? { place, hash }
    : { place, hash, lastUpdatedMs: Number(row.last_updated) };
}

function holderOf(subject: string): Subject | typeof DIRECTORY {
  return subject === DIRECTORY ? DIRECTORY : subjectOf(subject);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
