import type { DatabaseSync } from 'node:sqlite';
import { prepared } from '../../kernel/statements.ts';
import type { LogRecord } from '../../twin/ports.ts';
import type { DirectoryRecord } from '../decider-state.ts';
import { TOPICS } from '../schema.ts';
import type { RestoredFacts, SqliteState } from '../sqlite-state.ts';
import type { Cell, StateRow } from './capture.ts';
import type { Places } from './decider-db.ts';
import type { RowNames } from './row-names.ts';

/** What a standby takes in of what the active decider has written. */
export interface Restore {
  source(record: LogRecord, facts: RestoredFacts): void;
  directory(record: DirectoryRecord, facts: RestoredFacts): void;
  /** @param name its key on Kafka @param state `null`: what stood there is gone */
  row(name: string, state: StateRow | null): void;
}

export interface RestoreParts {
  readonly db: DatabaseSync;
  readonly state: SqliteState;
  readonly places: Places;
  readonly names: RowNames;
  /** Primary keys, by table that may be written. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

export function createRestore({ db, state, places, names, keys }: RestoreParts): Restore {
  const begin = (record: DirectoryRecord): void =>
    state.begin(Date.parse(record.provenance.recorded), record.provenance.actor);
  const columns = new Map<string, readonly string[]>();
  const columnsOf = (table: string): readonly string[] => {
    const known = columns.get(table) ?? askColumns(db, table);
    columns.set(table, known);
    return known;
  };
  const uniques = new Map<string, readonly (readonly string[])[]>();
  const uniquesOf = (table: string): readonly (readonly string[])[] => {
    const known = uniques.get(table) ?? askUniques(db, table);
    uniques.set(table, known);
    return known;
  };
  const clear = (table: string, columns: readonly string[], values: readonly Cell[]): void => {
    const where = columns.map((column) => `${column} IS ?`).join(' AND ');
    prepared(db, `DELETE FROM ${table} WHERE ${where}`).run(...values);
  };
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
    row(name, state) {
      // A tombstone of what was never taken in, or went with compaction.
      const { table, key } = state ?? names.rowOf(name) ?? {};
      const own = table === undefined ? undefined : keys.get(table);
      // A table of a later version: it is restored by an instance that knows it.
      if (table === undefined || key === undefined || own === undefined) return;
      clear(table, own, key);
      names.set(name, state);
      const row = state?.row;
      if (row === undefined || row === null) return;
      const known = columnsOf(table).filter((column) => Object.hasOwn(row, column));
      // Whatever stands in its place is gone by now; compaction has left its tombstone behind it.
      for (const columns of uniquesOf(table)) {
        const own = columns.map((column): Cell => row[column] ?? null);
        // Two rows with no value are not alike.
        if (!own.includes(null)) clear(table, columns, own);
      }
      const marks = known.map(() => '?').join(', ');
      const values = known.map((column): Cell => row[column] ?? null);
      prepared(db, `INSERT INTO ${table} (${known.join(', ')}) VALUES (${marks})`).run(...values);
    },
  };
}

function askColumns(db: DatabaseSync, table: string): string[] {
  return db
    .prepare(`PRAGMA main.table_info(${table})`)
    .all()
    .map(({ name }) => String(name));
}

/** Columns that no two rows have alike, besides the key. */
function askUniques(db: DatabaseSync, table: string): string[][] {
  const indexes = db.prepare(`PRAGMA main.index_list(${table})`).all();
  return indexes
    .filter(({ origin }) => origin === 'u')
    .map(({ name }) =>
      db
        .prepare(`PRAGMA main.index_info(${String(name)})`)
        .all()
        .map((column) => String(column.name)),
    );
}
