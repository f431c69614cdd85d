import type { DatabaseSync } from 'node:sqlite';
import { prepared } from '../../kernel/statements.ts';
import type { RelationChange, SourceRecord } from '../../twin/ports.ts';
import type { DirectoryRecord, HeadFacts } from '../decider-state.ts';
import { TOPICS } from '../schema.ts';

/** One row of the decider's own tables, as it is now; `null` where it is gone. */
export interface StateRow {
  readonly table: string;
  /** Values of the primary key, in its order. */
  readonly key: readonly Cell[];
  readonly row: Readonly<Record<string, Cell>> | null;
}

export type Cell = string | number | null;

export interface Captured {
  /** Accepted records in the order of writing, with the facts of the latest one of each key. */
  readonly sources: readonly {
    readonly partition: number;
    readonly offset: number;
    readonly record: SourceRecord;
    readonly facts: HeadFacts;
  }[];
  readonly directory: readonly { readonly record: DirectoryRecord; readonly facts: HeadFacts }[];
  readonly relations: readonly { readonly change: RelationChange; readonly actor: string }[];
  readonly rows: readonly StateRow[];
}

/** What other records carry, or what SQLite derives: never written down row by row. */
const CARRIED = [
  ...['meta', 'ends', 'records', 'heads', 'mentions', 'relations', 'rooms', 'restored'],
  'row_keys',
];

const CLEAR = `
  DELETE FROM records WHERE (topic, part, offset) IN (SELECT topic, part, offset FROM superseded);
  DELETE FROM written; DELETE FROM told; DELETE FROM touched; DELETE FROM superseded;
  DELETE FROM relations;`;

/**
 * Notes what a transaction writes, through temporary triggers: what a savepoint undoes is undone
 * in the notes as well, whoever wrote it and by whatever statement.
 */
export interface Capture {
  collect(): Captured;
  /**
   * Forgets the notes, and the records that later ones have replaced (Kafka compacts its own): after
   * each collection, and after rows that were restored.
   */
  clear(): void;
  /** Columns of the primary keys, by table of the decider's own. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

export function captureWrites(db: DatabaseSync): Capture {
  const keys = ownTables(db);
  db.exec(`
    CREATE TEMP TABLE written (number INTEGER PRIMARY KEY, topic TEXT, part INTEGER, offset INTEGER);
    CREATE TEMP TABLE told (offset INTEGER PRIMARY KEY);
    CREATE TEMP TABLE touched (tab TEXT, key TEXT, PRIMARY KEY (tab, key)) WITHOUT ROWID;
    CREATE TEMP TABLE superseded (topic TEXT, part INTEGER, offset INTEGER);
    CREATE TEMP TRIGGER note_head BEFORE INSERT ON main.heads BEGIN
      INSERT INTO superseded SELECT topic, part, offset FROM heads WHERE key = new.key;
    END;
    CREATE TEMP TRIGGER note_record AFTER INSERT ON main.records BEGIN
      INSERT INTO written (topic, part, offset) VALUES (new.topic, new.part, new.offset);
    END;
    CREATE TEMP TRIGGER note_relation AFTER INSERT ON main.relations BEGIN
      INSERT INTO told VALUES (new.offset);
    END;`);
  for (const [table, columns] of keys) db.exec(triggersOf(table, columns));
  const sql = prepare(db);
  return {
    keys,
    clear: () => db.exec(CLEAR),
    collect() {
      const written = sql.written.all().map((row) => ({
        ...{ topic: row.topic, partition: Number(row.part), offset: Number(row.offset) },
        record: JSON.parse(String(row.body)) as SourceRecord,
        facts: factsOf(sql, row),
      }));
      const told = sql.told.all();
      return {
        sources: written.filter(({ topic }) => topic === TOPICS.sources),
        directory: written.filter(({ topic }) => topic === TOPICS.directory),
        relations: told.map(({ body, actor }) => ({
          change: JSON.parse(String(body)) as RelationChange,
          actor: String(actor),
        })),
        rows: goneFirst(
          sql.touched.all().map((row) => {
            const table = String(row.tab);
            const key = JSON.parse(String(row.key)) as Cell[];
            return { table, key, row: rowOf(db, table, keys.get(table) ?? [], key) };
          }),
        ),
      };
    },
  };
}

function prepare(db: DatabaseSync) {
  return {
    written: db.prepare(`SELECT records.*, heads.hash, heads.last_updated, heads.tenant,
        heads.type, heads.id
      FROM written JOIN records USING (topic, part, offset) JOIN heads USING (key)
      ORDER BY written.number`),
    told: db.prepare('SELECT body, actor FROM told JOIN relations USING (offset) ORDER BY offset'),
    touched: db.prepare('SELECT tab, key FROM touched ORDER BY tab, key'),
    mentions: db.prepare('SELECT reference FROM mentions WHERE key = ?'),
    identifiers: db.prepare(`SELECT system, value FROM identifiers
      WHERE tenant = ? AND type = ? AND id = ?`),
  };
}

type Row = ReturnType<ReturnType<typeof prepare>['written']['all']>[number];

function factsOf(sql: ReturnType<typeof prepare>, row: Row): HeadFacts {
  const { key = null, tenant = null, type = null, id = null, hash, last_updated: updated } = row;
  return {
    hash: String(hash),
    mentions: sql.mentions.all(key).map(({ reference }) => String(reference)),
    identifiers: sql.identifiers.all(tenant, type, id).map(({ system, value }) => ({
      ...{ system: String(system), value: String(value) },
    })),
    ...(updated !== null && { lastUpdatedMs: Number(updated) }),
  };
}

/** What is gone made room for what came: a table may allow only one of both. */
function goneFirst(rows: readonly StateRow[]): StateRow[] {
  const { true: gone = [], false: there = [] } = Object.groupBy(rows, ({ row }) =>
    row === null ? 'true' : 'false',
  );
  return [...gone, ...there];
}

/** The row of a table as it is now. */
export function rowOf(
  db: DatabaseSync,
  table: string,
  columns: readonly string[],
  key: readonly Cell[],
): StateRow['row'] {
  const where = columns.map((column) => `${column} IS ?`).join(' AND ');
  const row = prepared(db, `SELECT * FROM ${table} WHERE ${where}`).get(...key);
  return row === undefined ? null : ({ ...row } as Record<string, Cell>);
}

function ownTables(db: DatabaseSync): Map<string, string[]> {
  const tables = db
    .prepare(
      "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !CARRIED.includes(name));
  return new Map(
    tables.sort().map((table) => {
      const columns = db.prepare(`PRAGMA main.table_info(${table})`).all();
      const parts = columns.filter(({ pk }) => Number(pk) > 0);
      const sorted = parts.toSorted((a, b) => Number(a.pk) - Number(b.pk));
      return [table, sorted.map(({ name }) => String(name))];
    }),
  );
}

function triggersOf(table: string, columns: readonly string[]): string {
  const trigger = (when: string, row: 'new' | 'old'): string => {
    const key = columns.map((column) => `${row}.${column}`).join(', ');
    return `CREATE TEMP TRIGGER note_${table}_${when} AFTER ${when} ON main.${table} BEGIN
      INSERT OR IGNORE INTO touched VALUES ('${table}', json_array(${key}));
    END;`;
  };
  return trigger('INSERT', 'new') + trigger('UPDATE', 'new') + trigger('DELETE', 'old');
}
