import { workerData } from 'node:worker_threads';
import { consistencyProof } from '../../contract/audit/merkle.ts';
import { serveWorker } from '../../kernel/worker.ts';
import { sha256 } from './hashes.ts';
import { type PackedRecords, unpacked } from './packed.ts';
import type { MemberQuery } from './rows.ts';
import { AuditStore } from './store.ts';

/** The thread in which the audit's fsyncs happen, so that the event loop never waits for a disk. */
const { path, nowMs } = workerData as { path: string; nowMs: number };
const store = new AuditStore(path, nowMs);

const methods = {
  append: (records: PackedRecords) => store.append(unpacked(records)),
  ofMember: (query: MemberQuery) => store.rows.ofMember(query),
  head: () => store.head(),
  /** The newest checkpoint of the present generation that was kept here. */
  lastCheckpoint: () => store.rows.checkpoints(store.head().generation).at(-1),
  keepCheckpoint: (kept: { size: number; at: string; note: string }) => store.keepCheckpoint(kept),
  /** RFC 6962 §2.1.2, for the present generation. */
  proof: ({ from, to }: { from: number; to: number }) => {
    const newest = store.rows.generations().at(-1);
    if (newest === undefined || from === 0) return [];
    return consistencyProof(sha256, from, to, store.rows.subtreesOf(newest));
  },
  root: (size: number) => store.rootAt(size),
  beginGeneration: ({ why, nowMs: at }: { why: string; nowMs: number }) =>
    store.beginGeneration(why, at),
  generations: () => store.rows.generations(),
  sizes: () => store.rows.generations().map(({ n, id }) => ({ id, size: store.rows.size(n) })),
  rowsFrom: ({ generation, index, limit }: { generation: string; index: number; limit: number }) =>
    store.rows.from(generation, index, limit),
  progress: (name: string) => store.rows.progress(name),
  setProgress: ({ name, value }: { name: string; value: number }) =>
    store.rows.setProgress(name, value),
  close: () => store.close(),
};
export type AuditMethods = typeof methods;

serveWorker(methods);
