import { join } from 'node:path';
import type { Service } from '../../kernel/lifecycle.ts';
import { startWorker } from '../../kernel/worker.ts';
import type { BatchRow } from './rows.ts';
import type {
  BatchState,
  BatchStorage,
  Chunk,
  Counts,
  RowResult,
  RowVerdict,
  StoredBatch,
  StoredRow,
} from './storage.ts';

interface Of {
  readonly batch: string;
}

/** The worker's side of `BatchStorage`: one object for the arguments. */
export interface TableMethods {
  create(args: Parameters<BatchStorage['create']>[0]): StoredBatch;
  addRows(args: Of & { readonly rows: readonly BatchRow[] }): void;
  drop(args: Of): void;
  setState(args: Of & { readonly state: BatchState; readonly at: number }): void;
  get(args: Of): StoredBatch | undefined;
  list(args: { readonly tenant: string; readonly limit: number }): StoredBatch[];
  unfinished(args: null): StoredBatch[];
  received(args: Of & { readonly limit: number }): StoredRow[];
  decide(args: Of & { readonly verdicts: readonly RowVerdict[]; readonly perChunk: number }): void;
  chunks(args: Of): Chunk[];
  putChunk(args: Chunk): void;
  openRows(args: Of & { readonly chunk: number }): StoredRow[];
  settle(
    args: Of & {
      readonly results: readonly RowResult[];
      readonly at: number;
      readonly chunk?: Chunk | undefined;
    },
  ): void;
  counts(args: Of): Counts;
  page(args: Of & { readonly after: number; readonly limit: number }): StoredRow[];
  purge(args: { readonly before: number }): void;
}

export interface BatchStorageOptions {
  readonly dataDir: string;
  readonly onDeath: (error: Error) => void;
}

/** Batches of this instance, in a file of its data directory, written in a thread of their own. */
export function createBatchStorage({
  dataDir,
  onDeath,
}: BatchStorageOptions): BatchStorage & Service {
  const worker = startWorker<TableMethods>({
    from: import.meta.url,
    file: './batch.worker',
    data: { path: join(dataDir, 'eligibility-batches.db') },
    onDeath,
  });
  return {
    name: 'batch-storage',
    start: () => Promise.resolve(),
    stop: () => worker.close(),
    create: (batch) => worker.call('create', batch),
    addRows: (batch, rows) => worker.call('addRows', { batch, rows }),
    drop: (batch) => worker.call('drop', { batch }),
    setState: (batch, state, at) => worker.call('setState', { batch, state, at }),
    get: (batch) => worker.call('get', { batch }),
    list: (tenant, limit) => worker.call('list', { tenant, limit }),
    unfinished: () => worker.call('unfinished', null),
    received: (batch, limit) => worker.call('received', { batch, limit }),
    decide: (batch, verdicts, perChunk) => worker.call('decide', { batch, verdicts, perChunk }),
    chunks: (batch) => worker.call('chunks', { batch }),
    putChunk: (chunk) => worker.call('putChunk', chunk),
    openRows: (batch, chunk) => worker.call('openRows', { batch, chunk }),
    settle: (batch, results, at, chunk) => worker.call('settle', { batch, results, at, chunk }),
    counts: (batch) => worker.call('counts', { batch }),
    page: (batch, after, limit) => worker.call('page', { batch, after, limit }),
    purge: (before) => worker.call('purge', { before }),
  };
}
