import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type Cell, rowOf, type StateRow } from './capture.ts';
import type { KafkaMessage } from './client.ts';
import { goneMessage, type RowKeys, rowMessage } from './row-keys.ts';

/**
 * Which row stands under which key on Kafka: a tombstone has no value that could say it. A key is
 * `stale` where it is not the one that this deployment gives the row.
 */
export const ROW_NAMES = `
CREATE TABLE IF NOT EXISTS row_keys (
  name TEXT PRIMARY KEY, tab TEXT NOT NULL, key TEXT NOT NULL, stale INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS row_keys_stale ON row_keys (name) WHERE stale = 1;
`;

type Named = Pick<StateRow, 'table' | 'key'>;

export interface RowNames {
  /** Which row a key on Kafka stood for; `undefined` where it is not known to be there. */
  rowOf(name: string): Named | undefined;
  /** Takes down what Kafka holds under a key; `null`: nothing any more. */
  set(name: string, row: Named | null): void;
  /** The same of rows that are written under this deployment's own keys. */
  setAll(rows: readonly StateRow[]): void;
  /** Some stale keys, and their rows as they are now: from here on under the keys that are theirs. */
  rename(most: number): Stale;
}

export interface Stale {
  readonly names: readonly string[];
  readonly rows: readonly StateRow[];
}

/** Tombstones first: whoever reads them takes the rows out, and in again under their own keys. */
export function renamingMessages(topic: string, keys: RowKeys, of: Stale): KafkaMessage[] {
  const gone = of.names.map((name) => goneMessage(topic, name));
  return [...gone, ...of.rows.map((row) => rowMessage(topic, keys, row))];
}

/** In the transaction that changes the rows. @param tables primary keys by table, as captured */
export function createRowNames(
  db: DatabaseSync,
  keys: RowKeys,
  tables: ReadonlyMap<string, readonly string[]>,
): RowNames {
  const get = db.prepare('SELECT tab, key FROM row_keys WHERE name = ?');
  const put = db.prepare('INSERT OR REPLACE INTO row_keys VALUES (?, ?, ?, ?)');
  const drop = db.prepare('DELETE FROM row_keys WHERE name = ?');
  const stale = db.prepare('SELECT name, tab, key FROM row_keys WHERE stale = 1 LIMIT ?');
  const set = (name: string, row: Named | null): void => {
    if (row === null) drop.run(name);
    else put.run(name, row.table, JSON.stringify(row.key), name === keys.keyOf(row) ? 0 : 1);
  };
  const setAll = (rows: readonly StateRow[]): void => {
    for (const row of rows) set(keys.keyOf(row), row.row === null ? null : row);
  };
  return {
    rowOf(name) {
      const row = get.get(name);
      return row === undefined ? undefined : namedOf(row);
    },
    set,
    setAll,
    rename(most) {
      const found = stale.all(most);
      const names = found.map(({ name }) => String(name));
      for (const name of names) drop.run(name);
      const rows = found.map(namedOf).map(({ table, key }): StateRow => {
        return { table, key, row: rowOf(db, table, tables.get(table) ?? [], key) };
      });
      setAll(rows);
      return { names, rows };
    },
  };
}

function namedOf({ tab = null, key = null }: Record<string, SQLInputValue>): Named {
  return { table: String(tab), key: JSON.parse(String(key)) as Cell[] };
}
