import { workerData } from 'node:worker_threads';
import { emitFromWorker, serveWorker } from '../kernel/worker.ts';
import { addressBundle, addressEach } from '../twin/fhir/resolve.ts';
import { readSubmission } from '../twin/fhir/submission.ts';
import type { LogMethods, LogWorkerData } from './embedded.ts';
import { openLogDatabase } from './schema.ts';
import { type LogStore, openLogStore } from './store.ts';

const { path, rules } = workerData as LogWorkerData;
let store: LogStore | undefined;

function log(): LogStore {
  if (store === undefined) throw new Error('the log is not open');
  return store;
}

/** Everything that touches the log's file, one call after the other. */
const methods: LogMethods = {
  open() {
    store = openLogStore({
      db: openLogDatabase(path),
      rules,
      reader: { readSubmission, addressBundle, addressEach },
      onGrown: emitFromWorker,
    });
    return store.identity;
  },
  submitBundle: ({ submission, at }) => log().submitBundle(submission, at),
  submitRecord: ({ record, at }) => log().submitRecord(record, at),
  held: ({ tenant }) => log().held(tenant),
  wake: ({ at }) => log().wake(at),
  sweep: ({ at }) => log().sweep(at),
  read: ({ partition, offset, limit }) => log().read(partition, offset, limit),
  ends: () => log().ends(),
  appendRelations: ({ changes, actor, at }) => log().appendRelations(changes, actor, at),
  readRelations: ({ offset, limit }) => log().readRelations(offset, limit),
  compact: ({ at }) => log().compact(at),
  passTime: ({ at }) => log().passTime(at),
  close() {
    store?.close();
    store = undefined;
  },
};

serveWorker(methods);
