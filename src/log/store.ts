import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../kernel/sqlite.ts';
import { objectOf, stringOf } from '../twin/fhir/elements.ts';
import type {
  BundleSubmission,
  HeldRecords,
  Intake,
  IntakeReceipt,
  LogRecord,
  Place,
  Provenance,
  RelationChange,
  SourceRecord,
} from '../twin/ports.ts';
import { createAppends, type Grown, writing } from './appends.ts';
import { compact } from './compaction.ts';
import { decideRecord } from './decide-record.ts';
import { CLOCK, createDueDates } from './due.ts';
import { decideForgotten, saysForgotten } from './forget.ts';
import { heldRecords } from './held.ts';
import type { DecidingRules } from './identity.ts';
import { takeIn } from './intake.ts';
import type { SubmissionReader } from './intake-parts.ts';
import { recordBodyOf } from './integrity.ts';
import { purgeForgotten } from './purge.ts';
import { createRefusals } from './refusals.ts';
import { appendRelation, readRelations } from './relations.ts';
import { identityOf, type LogIdentity, TOPICS } from './schema.ts';
import { createSqliteState } from './sqlite-state.ts';
import { createWaitingRoom } from './waiting.ts';
import { sweep, wake } from './wake.ts';

export type RecordSubmission = Parameters<Intake['submitRecord']>[0];

/** The log in one SQLite file: synchronous, so it lives in a worker thread. `at` is now, in ms. */
export interface LogStore {
  readonly identity: LogIdentity;
  submitBundle(submission: BundleSubmission, at: number): IntakeReceipt;
  submitRecord(record: RecordSubmission, at: number): Place;
  held(tenant: string): HeldRecords;
  /** Tries again what has become ready beyond what a submission itself lets in; whether more may. */
  wake(at: number): boolean;
  /** Refuses what has waited for a day, a bounded number; answers how many. */
  sweep(at: number): number;
  read(partition: number, offset: number, limit: number): LogRecord[];
  ends(): number[];
  appendRelations(changes: readonly RelationChange[], actor: string, at: number): number;
  readRelations(offset: number, limit: number): { offset: number; change: RelationChange }[];
  compact(at: number): void;
  /** Leaves no byte of what was forgotten in its file, as far as it is this store's to say. */
  purge(): void;
  /** Tells a bounded number of subjects that a day has come which changes them; whether more. */
  passTime(at: number): boolean;
  close(): void;
}

export interface LogStoreOptions {
  /** Opened by `openLogDatabase`; the store closes it. */
  readonly db: DatabaseSync;
  readonly rules: DecidingRules;
  readonly reader: SubmissionReader;
  /** Told after each append; without it, nobody asks which partitions an append was of. */
  readonly onGrown?: (grown: Grown) => void;
}

/** A read answers fewer records than asked for rather than hold more than this at once. */
const READ_BYTES_MAX = 8 * 1024 * 1024;

export function openLogStore({ db, rules, reader, onGrown }: LogStoreOptions): LogStore {
  const identity = identityOf(db);
  const due = createDueDates(db, createSqliteState(db, identity.partitions));
  const { state } = due;
  const parts = { state, rules, reader, room: createWaitingRoom(db), refusals: createRefusals(db) };
  const nextOf = db.prepare('SELECT next FROM ends WHERE topic = ? AND part = ?');
  const next = (topic: string, part: number): number => Number(nextOf.get(topic, part)?.next ?? 0);
  const ends = (): number[] =>
    Array.from({ length: identity.partitions }, (_, part) => next(TOPICS.sources, part));

  const { append, undone } = createAppends({ db, state, next, ends, onGrown });

  /** One decision: an outcome that is final is kept, and given again to a duplicate. */
  function decide<T>(at: number, by: Decided, work: () => T, isFinal: (result: T) => boolean): T {
    return append(at, by.provenance.actor, () => {
      const known = state.outcome(by.tenant, by.eventId);
      if (known !== undefined) return JSON.parse(known) as T;
      const result = work();
      if (isFinal(result)) state.keepOutcome(by.tenant, by.eventId, JSON.stringify(result));
      return result;
    });
  }

  return {
    identity,
    ends,
    submitBundle(submission, at) {
      const { tenant, source, actor, eventId, dryRun } = submission;
      const take = () => takeIn(parts, submission, at);
      if (dryRun === true) return { ...undone(at, actor, take), places: [] };
      const provenance = recorded({ source, actor }, at);
      // What waits or was refused is tried again when it is sent again.
      return decide(at, { tenant, eventId: `bundle ${eventId}`, provenance }, take, (receipt) => {
        return receipt.waiting + receipt.refused === 0;
      });
    },
    held: (tenant) => heldRecords(db, tenant),
    wake: (at) => append(at, WAITING, () => wake(parts, at)),
    sweep: (at) => append(at, WAITING, () => sweep(parts, at)),
    submitRecord(given, at) {
      const record: SourceRecord = { ...given, provenance: recorded(given.provenance, at) };
      const by = { ...record, eventId: `record ${given.eventId}` };
      return decide(
        at,
        by,
        () =>
          saysForgotten(record)
            ? decideForgotten(db, state, record)
            : decideRecord(state, { ...record, ...timeOf(record) }).place,
        () => true,
      );
    },
    read: (partition, offset, limit) => read(db, partition, offset, limit),
    appendRelations(changes, actor, at) {
      const last = writing(() =>
        inTransaction(db, () =>
          changes.reduce((_, change) => appendRelation(db, change, { at, actor }), -1),
        ),
      );
      if (changes.length > 0) onGrown?.({ partitions: [], relations: true });
      return last;
    },
    readRelations: (offset, limit) => readRelations(db, offset, limit),
    passTime: (at) => append(at, CLOCK.actor, () => due.pass(at)),
    compact: (at) => writing(() => inTransaction(db, () => compact(db, at))),
    purge: () => writing(() => purgeForgotten(db)),
    close: () => db.close(),
  };
}

/** Who writes what was woken by nobody's submission; records keep the actor that sent them. */
const WAITING = 'system:waiting';

interface Decided {
  readonly tenant: string;
  readonly eventId: string;
  readonly provenance: Provenance;
}

/** As in a bundle: an answer that comes late does not take the place of a newer one. */
function timeOf({ resource }: SourceRecord): { lastUpdatedMs?: number } {
  const lastUpdatedMs = Date.parse(stringOf(objectOf(resource?.meta).lastUpdated) ?? '');
  return Number.isFinite(lastUpdatedMs) ? { lastUpdatedMs } : {};
}

function recorded(provenance: Omit<Provenance, 'recorded'>, at: number): Provenance {
  const { source, actor } = provenance;
  return { source, actor, recorded: new Date(at).toISOString() };
}

function read(db: DatabaseSync, partition: number, offset: number, limit: number): LogRecord[] {
  const rows = db
    .prepare(`SELECT * FROM records WHERE topic = ? AND part = ? AND offset >= ?
      ORDER BY offset LIMIT ?`)
    .iterate(TOPICS.sources, partition, offset, limit);
  const records: LogRecord[] = [];
  let bytes = 0;
  for (const row of rows) {
    const body = recordBodyOf(row);
    bytes += body.length;
    if (records.length > 0 && bytes > READ_BYTES_MAX) break;
    const record = JSON.parse(body) as SourceRecord;
    records.push({ ...record, partition, offset: Number(row.offset) });
  }
  return records;
}
