import { workerData } from 'node:worker_threads';
import { openDatabase } from '../../kernel/sqlite.ts';
import { serveWorker } from '../../kernel/worker.ts';
import type { TableMethods } from './embedded.ts';
import { BatchTables } from './tables.ts';

const { path } = workerData as { readonly path: string };
const db = openDatabase(path, 'FULL');
// Of a batch of a million rows the indexes outgrow SQLite's own 2 MB: 64 MB, half the time.
db.exec('PRAGMA cache_size = -65536');
const tables = new BatchTables(db);

const methods: TableMethods = {
  create: (batch) => tables.create(batch),
  addRows: ({ batch, rows }) => tables.addRows(batch, rows),
  drop: ({ batch }) => tables.drop(batch),
  setState: ({ batch, state, at }) => tables.setState(batch, state, at),
  get: ({ batch }) => tables.get(batch),
  list: ({ tenant, limit }) => tables.list(tenant, limit),
  unfinished: () => tables.unfinished(),
  received: ({ batch, limit }) => tables.received(batch, limit),
  decide: ({ batch, verdicts, perChunk }) => tables.decide(batch, verdicts, perChunk),
  chunks: ({ batch }) => tables.chunks(batch),
  putChunk: (chunk) => tables.putChunk(chunk),
  openRows: ({ batch, chunk }) => tables.openRows(batch, chunk),
  settle: ({ batch, results, at, chunk }) => tables.settle(batch, results, at, chunk),
  counts: ({ batch }) => tables.counts(batch),
  page: ({ batch, after, limit }) => tables.page(batch, after, limit),
  purge: ({ before }) => tables.purge(before),
};

serveWorker({ ...methods });
