import { workerData } from 'node:worker_threads';
import { serveWorker } from '../../kernel/worker.ts';
import type { AuditBatch } from '../../twin/ports.ts';
import { TrailStore } from './trail-store.ts';

/** The thread that keeps what came by the topic. */
const store = new TrailStore((workerData as { path: string }).path);

const methods = {
  take: (batch: AuditBatch) => store.take(batch),
  places: () => store.places(),
  close: () => store.close(),
};
export type TrailMethods = typeof methods;

serveWorker(methods);
