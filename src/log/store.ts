import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../kernel/sqlite.ts';
import type { AddressedBundle, BundleEntry, KnownRecords } from '../twin/fhir/records.ts';
import type {
  BundleSubmission,
  Intake,
  IntakeReceipt,
  LogRecord,
  Place,
  Provenance,
  RelationChange,
  SourceRecord,
} from '../twin/ports.ts';
import { compact } from './compaction.ts';
import { decideBundle, decideRecord } from './decider.ts';
import { asLogFault } from './faults.ts';
import type { IdentityRules } from './identity.ts';
import { knownRecords } from './known.ts';
import { appendRelation, readRelations } from './relations.ts';
import { identityOf, type LogIdentity, TOPICS } from './schema.ts';
import { createSqliteState } from './sqlite-state.ts';

export type RecordSubmission = Parameters<Intake['submitRecord']>[0];

/** What the intake does with a bundle before the decider sees it (twin/fhir). */
export interface BundleReader {
  readBundle(json: Uint8Array): BundleEntry[];
  addressBundle(entries: readonly BundleEntry[], known: KnownRecords): AddressedBundle;
}

/** What an append touched, told after its commit. */
export interface Grown {
  readonly partitions: readonly number[];
  readonly relations: boolean;
}

/** The log in one SQLite file: synchronous, so it lives in a worker thread. `at` is now, in ms. */
export interface LogStore {
  readonly identity: LogIdentity;
  submitBundle(submission: BundleSubmission, at: number): IntakeReceipt;
  submitRecord(record: RecordSubmission, at: number): Place;
  read(partition: number, offset: number, limit: number): LogRecord[];
  ends(): number[];
  appendRelations(changes: readonly RelationChange[], actor: string, at: number): number;
  readRelations(offset: number, limit: number): { offset: number; change: RelationChange }[];
  compact(at: number): void;
  close(): void;
}

export interface LogStoreOptions {
  /** Opened by `openLogDatabase`; the store closes it. */
  readonly db: DatabaseSync;
  readonly rules: IdentityRules;
  readonly reader: BundleReader;
  readonly onGrown: (grown: Grown) => void;
}

/** A read answers fewer records than asked for rather than hold more than this at once. */
const READ_BYTES_MAX = 8 * 1024 * 1024;

export function openLogStore({ db, rules, reader, onGrown }: LogStoreOptions): LogStore {
  const identity = identityOf(db);
  const state = createSqliteState(db, identity.partitions);
  const nextOf = db.prepare('SELECT next FROM ends WHERE topic = ? AND part = ?');
  const next = (topic: string, part: number): number => Number(nextOf.get(topic, part)?.next ?? 0);
  const ends = (): number[] =>
    Array.from({ length: identity.partitions }, (_, part) => next(TOPICS.sources, part));

  /** One decision: its outcome is kept under the event's id, and given again to a duplicate. */
  function decide<T>(at: number, by: Decided, work: () => T): T {
    const before = { ends: ends(), relations: next(TOPICS.relations, 0) };
    const outcome = writing(() =>
      inTransaction(db, () => {
        state.begin(at, by.provenance.actor);
        const known = state.outcome(by.tenant, by.eventId);
        if (known !== undefined) return JSON.parse(known) as T;
        const result = work();
        state.keepOutcome(by.tenant, by.eventId, JSON.stringify(result));
        return result;
      }),
    );
    const partitions = ends().flatMap((end, part) => (end === before.ends[part] ? [] : [part]));
    const relations = next(TOPICS.relations, 0) !== before.relations;
    if (partitions.length > 0 || relations) onGrown({ partitions, relations });
    return outcome;
  }

  return {
    identity,
    ends,
    submitBundle({ tenant, source, actor, eventId, json }, at) {
      const by = {
        tenant,
        eventId: `bundle ${eventId}`,
        provenance: recorded({ source, actor }, at),
      };
      return decide(at, by, () => {
        const known = knownRecords(state, rules, tenant, source);
        const bundle = reader.addressBundle(reader.readBundle(json), known);
        return decideBundle(state, { ...by, eventId }, bundle);
      });
    },
    submitRecord(given, at) {
      const record: SourceRecord = { ...given, provenance: recorded(given.provenance, at) };
      const by = { ...record, eventId: `record ${given.eventId}` };
      return decide(at, by, () => decideRecord(state, record).place);
    },
    read: (partition, offset, limit) => read(db, partition, offset, limit),
    appendRelations(changes, actor, at) {
      const last = writing(() =>
        inTransaction(db, () =>
          changes.reduce((_, change) => appendRelation(db, change, { at, actor }), -1),
        ),
      );
      if (changes.length > 0) onGrown({ partitions: [], relations: true });
      return last;
    },
    readRelations: (offset, limit) => readRelations(db, offset, limit),
    compact: (at) => writing(() => inTransaction(db, () => compact(db, at))),
    close: () => db.close(),
  };
}

interface Decided {
  readonly tenant: string;
  readonly eventId: string;
  readonly provenance: Provenance;
}

function recorded(provenance: Omit<Provenance, 'recorded'>, at: number): Provenance {
  const { source, actor } = provenance;
  return { source, actor, recorded: new Date(at).toISOString() };
}

function read(db: DatabaseSync, partition: number, offset: number, limit: number): LogRecord[] {
  const rows = db
    .prepare(`SELECT offset, body FROM records WHERE topic = ? AND part = ? AND offset >= ?
      ORDER BY offset LIMIT ?`)
    .iterate(TOPICS.sources, partition, offset, limit);
  const records: LogRecord[] = [];
  let bytes = 0;
  for (const row of rows) {
    const body = String(row.body);
    bytes += body.length;
    if (records.length > 0 && bytes > READ_BYTES_MAX) break;
    const record = JSON.parse(body) as SourceRecord;
    records.push({ ...record, partition, offset: Number(row.offset) });
  }
  return records;
}

function writing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asLogFault(error);
  }
}
