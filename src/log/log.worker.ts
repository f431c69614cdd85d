import { workerData } from 'node:worker_threads';
import { isDamage } from '../kernel/sqlite.ts';
import { emitFromWorker, serveWorker } from '../kernel/worker.ts';
import { addressBundle, addressEach } from '../twin/fhir/resolve.ts';
import { readSubmission } from '../twin/fhir/submission.ts';
import { openDamagedLog, readOnly, readOnlyFault, wordsOf } from './damaged.ts';
import type { Damaged, LogMethods, LogWorkerData } from './embedded.ts';
import { openLogDatabase } from './schema.ts';
import { type LogStore, openLogStore } from './store.ts';

const { path, rules } = workerData as LogWorkerData;
let store: LogStore | undefined;

function known(): LogStore {
  if (store === undefined) throw new Error('the log is not open');
  return store;
}

function open(): LogStore {
  const reader = { readSubmission, addressBundle, addressEach };
  return openLogStore({ db: openLogDatabase(path), rules, reader, onGrown: emitFromWorker });
}

/** What anybody finds damaged, nobody is given any more. */
function ask<T>(work: (log: LogStore) => T): T {
  const log = known();
  try {
    return work(log);
  } catch (error) {
    const damage = [error, (error as Error).cause].find(isDamage);
    if (damage === undefined) throw error;
    const { identity, readRelations, close } = log;
    store = readOnly({ identity, readRelations, close });
    emitFromWorker({ damage: wordsOf(damage) } satisfies Damaged);
    throw readOnlyFault();
  }
}

/** Everything that touches the log's file, one call after the other. */
const methods: LogMethods = {
  open() {
    try {
      store = open();
      return { ...store.identity, damage: undefined };
    } catch (error) {
      if (!isDamage(error)) throw error;
      store = openDamagedLog(path);
      return { ...store.identity, damage: wordsOf(error) };
    }
  },
  submitBundle: ({ submission, at }) => ask((log) => log.submitBundle(submission, at)),
  submitRecord: ({ record, at }) => ask((log) => log.submitRecord(record, at)),
  held: ({ tenant }) => ask((log) => log.held(tenant)),
  wake: ({ at }) => ask((log) => log.wake(at)),
  sweep: ({ at }) => ask((log) => log.sweep(at)),
  read: ({ partition, offset, limit }) => ask((log) => log.read(partition, offset, limit)),
  ends: () => ask((log) => log.ends()),
  appendRelations: ({ changes, actor, at }) =>
    ask((log) => log.appendRelations(changes, actor, at)),
  readRelations: ({ offset, limit }) => ask((log) => log.readRelations(offset, limit)),
  compact: ({ at }) => ask((log) => log.compact(at)),
  purge: () => ask((log) => log.purge()),
  passTime: ({ at }) => ask((log) => log.passTime(at)),
  close() {
    store?.close();
    store = undefined;
  },
};

serveWorker(methods);
