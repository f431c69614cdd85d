import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../kernel/sqlite.ts';
import { type Captured, captureWrites } from '../kafka/capture.ts';
import { createLogTables, type LogIdentity, openLogDatabase } from '../schema.ts';

/** Rows that are read, and sent in one transaction. */
const ROWS_MAX = 500;

/**
 * Receipts of events that were seen name places of the log that they were said to; of another log
 * only that they were seen is true.
 */
const SEEN = `SELECT tenant, event, at, CASE WHEN event LIKE 'bundle %'
  THEN json_set(outcome, '$.places', json('[]')) ELSE '{"partition":0,"offset":-1}' END
  FROM old.seen`;

/** Latest records in the order of the log, the directory first. */
const LATEST = `INSERT INTO main.records SELECT records.* FROM old.records
  JOIN old.heads USING (key, topic, part, offset)
  WHERE (topic, part, offset) > (?, ?, ?) ORDER BY topic, part, offset LIMIT ?`;

/**
 * What an embedded log holds, in pieces: the decider's own rows, then the latest record of each
 * key, then the relations. They are copied through a second database, where what is written is
 * noted in the words of the decider on Kafka.
 */
export function* piecesOf(path: string, identity: LogIdentity): Generator<Captured> {
  // Brings the file to the tables of this version.
  openLogDatabase(path).close();
  const db = openDatabase(':memory:', 'NORMAL');
  try {
    createLogTables(db, identity);
    const capture = captureWrites(db);
    db.prepare('ATTACH ? AS old').run(path);
    const piece = (): Captured => {
      const captured = capture.collect();
      capture.clear();
      return captured;
    };
    // Not noted, and needed to know the facts of a record.
    db.exec('INSERT INTO main.mentions SELECT * FROM old.mentions');
    for (const [table, key] of capture.keys) {
      for (const _ of copied(db, table, key)) yield piece();
    }
    for (const _ of latest(db)) yield piece();
    db.exec('INSERT INTO main.relations SELECT * FROM old.relations ORDER BY offset');
    yield piece();
  } finally {
    db.close();
  }
}

function* copied(db: DatabaseSync, table: string, key: readonly string[]): Generator<void> {
  const rows = table === 'seen' ? SEEN : `SELECT * FROM old.${table}`;
  const copy = db.prepare(
    `INSERT INTO main.${table} ${rows} ORDER BY ${key.join(', ')} LIMIT ? OFFSET ?`,
  );
  for (let offset = 0; Number(copy.run(ROWS_MAX, offset).changes) > 0; offset += ROWS_MAX) yield;
}

function* latest(db: DatabaseSync): Generator<void> {
  const copy = db.prepare(LATEST);
  const heads = db.prepare(`INSERT INTO main.heads SELECT * FROM old.heads
    WHERE key IN (SELECT key FROM main.records)`);
  const last = db.prepare(`SELECT topic, part, offset FROM main.records
    ORDER BY topic DESC, part DESC, offset DESC LIMIT 1`);
  for (let after: [string, number, number] = ['', -1, -1]; ; ) {
    if (Number(copy.run(...after, ROWS_MAX).changes) === 0) return;
    heads.run();
    const { topic, part, offset } = last.get() ?? {};
    after = [String(topic), Number(part), Number(offset)];
    yield;
    db.exec('DELETE FROM main.records; DELETE FROM main.heads');
  }
}
