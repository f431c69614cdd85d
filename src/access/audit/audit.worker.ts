import { workerData } from 'node:worker_threads';
import { serveWorker } from '../../kernel/worker.ts';
import { openAuditStore, type RecordQuery, type StorableRecord } from './store.ts';

/** The thread in which the audit's fsyncs happen, so that the event loop never waits for a disk. */
const store = openAuditStore((workerData as { path: string }).path);

const methods = {
  append: (records: readonly StorableRecord[]) => store.append(records),
  read: (query: RecordQuery) => store.read(query),
  head: () => store.head(),
  close: () => store.close(),
};
export type AuditMethods = typeof methods;

serveWorker(methods);
