import { workerData } from 'node:worker_threads';
import { inTransaction, openDatabase } from '../../kernel/sqlite.ts';
import { prepared } from '../../kernel/statements.ts';
import { serveWorker } from '../../kernel/worker.ts';
import type { CheckStep } from '../../twin/ports.ts';
import type { JournalMethods } from './embedded.ts';

const { path } = workerData as { readonly path: string };
const db = openDatabase(path, 'FULL');
db.exec(`
  CREATE TABLE IF NOT EXISTS steps (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    step TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS steps_at ON steps (at);
`);

const methods: JournalMethods = {
  open({ before }) {
    prepared(db, 'DELETE FROM steps WHERE at < ?').run(before);
    const rows = prepared(db, 'SELECT step FROM steps ORDER BY seq').all();
    return rows.map(({ step }) => JSON.parse(String(step)) as CheckStep);
  },
  append({ steps }) {
    inTransaction(db, () => {
      const insert = prepared(db, 'INSERT INTO steps (at, step) VALUES (?, ?)');
      for (const step of steps) insert.run(step.at, JSON.stringify(step));
    });
  },
};

serveWorker({ ...methods });
