import { workerData } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { asFault, Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { inTransaction } from '../../kernel/sqlite.ts';
import { emitFromWorker, serveWorker } from '../../kernel/worker.ts';
import { addressBundle, addressEach } from '../../twin/fhir/resolve.ts';
import { readSubmission } from '../../twin/fhir/submission.ts';
import type { Submission, SubmittedBundle } from '../events/index.ts';
import { TOPICS } from '../schema.ts';
import { createSqliteState } from '../sqlite-state.ts';
import { openLogStore } from '../store.ts';
import { captureWrites } from './capture.ts';
import { createPlaces, type Next, openDeciderDatabase } from './decider-db.ts';
import { messagesOf, restoreRecord } from './decider-messages.ts';
import type { Decided, DeciderMethods, DeciderWorkerData, Told } from './decider-methods.ts';
import { createRestore } from './restore.ts';
import { rowKeysFrom } from './row-keys.ts';
import { createRowNames, renamingMessages, type Stale } from './row-names.ts';

const { path, identity, rules, topics } = workerData as DeciderWorkerData;
const rowKeys = rowKeysFrom(rules.memberIdKey);

/** Rows that are written anew in one transaction. */
const RENAMED_MAX = 500;
const NOTHING: Stale = { names: [], rows: [] };

function open(at: number) {
  const db = openDeciderDatabase({ path, identity, rowKeys: rowKeys.id }, at);
  const places = createPlaces(db);
  const capture = captureWrites(db);
  const reader = { readSubmission, addressBundle, addressEach };
  const store = openLogStore({ db, rules, reader });
  const state = createSqliteState(db, identity.partitions);
  const names = createRowNames(db, rowKeys, capture.keys);
  const restore = createRestore({ db, state, places, names, keys: capture.keys });
  return { db, places, capture, store, restore, names };
}

let opened: ReturnType<typeof open> | undefined;

function parts(): ReturnType<typeof open> {
  if (opened === undefined) throw new Error('the decider is not open');
  return opened;
}

/** Everything up to the messages to be written; the transaction stays open until `settle`. */
function decided(nexts: readonly Next[], at: number, work: () => Worked): Decided {
  const { db, capture, places, names } = parts();
  db.exec('BEGIN IMMEDIATE');
  try {
    places.setEnds(TOPICS.sources, nexts);
    const { told, unheard, more, stale = NOTHING } = work();
    const by = { id: randomId(), at: new Date(at).toISOString(), rowKeys };
    const refused = told.flatMap(({ fault }, index) => (fault === undefined ? [] : [index]));
    const captured = capture.collect();
    names.setAll(captured.rows);
    const renaming = renamingMessages(topics.decider, rowKeys, stale);
    const heard = told.filter((_, index) => unheard?.has(index) !== true);
    return { messages: [...renaming, ...messagesOf(topics, captured, heard, by)], refused, more };
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

interface Worked {
  readonly told: readonly Told[];
  /** Indexes of what nobody is told of. */
  readonly unheard?: ReadonlySet<number>;
  readonly more: number;
  /** Rows that stand on Kafka under a key that is not theirs any more. */
  readonly stale?: Stale;
}

function tell(submission: Submission, at: number): Told {
  const { store } = parts();
  try {
    if (submission.kind === 'record') {
      const { record } = submission;
      return { ...whose(submission), place: store.submitRecord(record, at) };
    }
    return { ...whose(submission), receipt: store.submitBundle(bundleOf(submission), at) };
  } catch (error) {
    const { code, message: detail, data } = asFault(error);
    // Not the submission's doing: nothing of this transaction is kept, and it is tried again.
    if (code === 'LOG_UNAVAILABLE') throw error;
    if (code === 'INTERNAL') emitFromWorker({ trouble: error });
    return { ...whose(submission), fault: { code, detail, data: data as JsonObject } };
  }
}

function whose(submission: Submission): Pick<Told, 'tenant' | 'eventId' | 'provenance'> {
  if (submission.kind === 'record') return submission.record;
  const { tenant, eventId, source, actor } = submission;
  return { tenant, eventId, provenance: { source, actor } };
}

function bundleOf({ tenant, source, actor, eventId, format, gzip, body }: SubmittedBundle) {
  const json = gzip ? inflate(body) : body;
  return { tenant, source, actor, eventId, format, json };
}

function inflate(body: Uint8Array): Uint8Array {
  try {
    return gunzipSync(body, { maxOutputLength: LIMITS.bundleBytesMax });
  } catch (cause) {
    const detail = 'The body is no gzip, or larger than a bundle may be.';
    throw new Fault('REFUSED_INPUT', { detail, data: { reason: 'not-gzip' }, cause });
  }
}

const CHORES = {
  wake: (at: number): number => (parts().store.wake(at) ? 1 : 0),
  sweep: (at: number): number => parts().store.sweep(at),
  passTime: (at: number): number => (parts().store.passTime(at) ? 1 : 0),
  compact(at: number): number {
    parts().store.compact(at);
    return 0;
  },
} as const;

const methods: DeciderMethods = {
  open({ at }) {
    opened = open(at);
  },
  complete: ({ at }) => parts().places.setComplete(at),
  stands() {
    const { places } = parts();
    return {
      sources: places.restored(topics.sources),
      directory: places.restored(topics.directory),
      decider: places.restored(topics.decider),
    };
  },
  restore({ records }) {
    const { db, capture, places, restore } = parts();
    inTransaction(db, () => {
      for (const record of records) restoreRecord(topics, restore, record);
      const last = records.at(-1);
      if (last === undefined) return;
      places.setRestored(last.topic, [{ partition: last.partition, next: last.offset + 1 }]);
      capture.clear();
    });
  },
  intakePlaces: () => parts().places.intake(),
  decide: ({ items, unheard, nexts, intake, at }) =>
    decided(nexts, at, () => {
      const told = items.map((item) => tell(item, at));
      parts().places.setIntake(intake);
      const more = told.reduce((sum, { receipt }) => sum + (receipt?.resumed ?? 0), 0);
      return { told, unheard: new Set(unheard), more };
    }),
  chore: ({ task, nexts, at }) => decided(nexts, at, () => ({ told: [], more: CHORES[task](at) })),
  rename: ({ nexts, at }) =>
    decided(nexts, at, () => {
      const stale = parts().names.rename(RENAMED_MAX);
      return { told: [], more: stale.names.length, stale };
    }),
  settle({ commit, restored }) {
    const { db, capture, places } = parts();
    if (!commit) {
      if (db.isTransaction) db.exec('ROLLBACK');
      return;
    }
    for (const { topic, partition, offset } of restored) {
      places.setRestored(topic, [{ partition, next: offset }]);
    }
    capture.clear();
    db.exec('COMMIT');
  },
  dryRun: ({ submission, at }) => parts().store.submitBundle({ ...submission, dryRun: true }, at),
  held: ({ tenant }) => parts().store.held(tenant),
  purge() {
    const { db, store } = parts();
    if (db.isTransaction) return false;
    store.purge();
    return true;
  },
  close() {
    opened?.store.close();
    opened = undefined;
  },
};

serveWorker(methods);
