import type { DatabaseSync } from 'node:sqlite';
import type { LogRecord } from '../../twin/ports.ts';
import type { DirectoryRecord } from '../decider-state.ts';
import { TOPICS } from '../schema.ts';
import type { RestoredFacts, SqliteState } from '../sqlite-state.ts';
import type { Cell, StateRow } from './capture.ts';
import type { Places } from './decider-db.ts';

/** What a standby takes in of what the active decider has written. */
export interface Restore {
  source(record: LogRecord, facts: RestoredFacts): void;
  directory(record: DirectoryRecord, facts: RestoredFacts): void;
  row(row: StateRow): void;
}

export interface RestoreParts {
  readonly db: DatabaseSync;
  readonly state: SqliteState;
  readonly places: Places;
  /** Primary keys, by table that may be written. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

export function createRestore({ db, state, places, keys }: RestoreParts): Restore {
  const begin = (record: DirectoryRecord): void =>
    state.begin(Date.parse(record.provenance.recorded), record.provenance.actor);
  return {
    source({ partition, offset, ...record }, facts) {
      begin(record);
      places.setEnds(TOPICS.sources, [{ partition, next: offset }]);
      state.restore(record, facts);
    },
    directory(record, facts) {
      begin(record);
      state.restoreDirectory(record, facts);
    },
    row({ table, key, row }) {
      const columns = keys.get(table);
      // A table of a later version: it is restored by an instance that knows it.
      if (columns === undefined) return;
      const where = columns.map((column) => `${column} IS ?`).join(' AND ');
      db.prepare(`DELETE FROM ${table} WHERE ${where}`).run(...key);
      if (row === null) return;
      const known = columnsOf(db, table).filter((column) => Object.hasOwn(row, column));
      const marks = known.map(() => '?').join(', ');
      const values = known.map((column): Cell => row[column] ?? null);
      db.prepare(`INSERT INTO ${table} (${known.join(', ')}) VALUES (${marks})`).run(...values);
    },
  };
}

function columnsOf(db: DatabaseSync, table: string): string[] {
  return db
    .prepare(`PRAGMA main.table_info(${table})`)
    .all()
    .map(({ name }) => String(name));
}
