import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { inTransaction } from '../../kernel/sqlite.ts';
import { prepared } from '../../kernel/statements.ts';
import type { BatchRow } from './rows.ts';
import type {
  BatchState,
  Chunk,
  Counts,
  RowResult,
  RowState,
  RowVerdict,
  StoredBatch,
  StoredRow,
} from './storage.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, principal TEXT NOT NULL, key TEXT,
    state TEXT NOT NULL, created INTEGER NOT NULL, finished INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS batches_key ON batches (tenant, key) WHERE key IS NOT NULL;
  CREATE TABLE IF NOT EXISTS rows (
    batch TEXT NOT NULL, n INTEGER NOT NULL, member TEXT, coverage TEXT, types TEXT, date TEXT,
    reference TEXT, payer TEXT, key TEXT, chunk INTEGER, state TEXT NOT NULL, reason TEXT,
    status TEXT, checked INTEGER, same INTEGER,
    PRIMARY KEY (batch, n)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS rows_key ON rows (batch, key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS rows_open ON rows (batch, state, n);
  CREATE INDEX IF NOT EXISTS rows_chunk ON rows (batch, chunk, state) WHERE chunk IS NOT NULL;
  CREATE TABLE IF NOT EXISTS chunks (
    batch TEXT NOT NULL, chunk INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    since INTEGER NOT NULL, remote TEXT, token TEXT,
    PRIMARY KEY (batch, chunk)
  ) STRICT, WITHOUT ROWID;
`;

type Row = Readonly<Record<string, SQLOutputValue>>;

/** Batches in SQLite: rows by opaque ids alone, names and birth dates are looked up when asked. */
export class BatchTables {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    db.exec(SCHEMA);
  }

  create(given: Omit<StoredBatch, 'state' | 'rows'> & { readonly key?: string }): StoredBatch {
    const { id, tenant, principal, createdAt, key = null } = given;
    prepared(
      this.#db,
      `INSERT INTO batches (id, tenant, principal, key, state, created)
        VALUES (?, ?, ?, ?, 'receiving', ?) ON CONFLICT DO NOTHING`,
    ).run(id, tenant, principal, key, createdAt);
    const row = prepared(
      this.#db,
      'SELECT id FROM batches WHERE id = ? OR (tenant = ? AND key = ?)',
    ).get(id, tenant, key);
    return this.get(String(row?.id)) as StoredBatch;
  }

  addRows(batch: string, rows: readonly BatchRow[]): void {
    inTransaction(this.#db, () => {
      const insert = prepared(
        this.#db,
        `INSERT INTO rows (batch, n, member, coverage, types, date, reference, state, reason)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      );
      for (const { n, member, coverage, serviceTypes, serviceDate, reference, fault } of rows) {
        const types = serviceTypes?.join(' ') ?? null;
        const state = fault === undefined ? 'received' : 'refused';
        const reason = fault === undefined ? null : `invalid: ${fault}`;
        const named = [member ?? null, coverage ?? null, types, serviceDate ?? null];
        insert.run(batch, n, ...named, reference ?? null, state, reason);
      }
    });
  }

  drop(batch: string): void {
    inTransaction(this.#db, () => {
      for (const table of ['rows', 'chunks']) {
        prepared(this.#db, `DELETE FROM ${table} WHERE batch = ?`).run(batch);
      }
      prepared(this.#db, 'DELETE FROM batches WHERE id = ?').run(batch);
    });
  }

  setState(batch: string, state: BatchState, at: number): void {
    const finished = state === 'completed' ? at : null;
    prepared(this.#db, 'UPDATE batches SET state = ?, finished = ? WHERE id = ?').run(
      ...[state, finished, batch],
    );
  }

  get(batch: string): StoredBatch | undefined {
    const row = prepared(this.#db, `${BATCHES} WHERE id = ?`).get(batch);
    return row && batchOf(row);
  }

  list(tenant: string, limit: number): StoredBatch[] {
    return prepared(this.#db, `${BATCHES} WHERE tenant = ? ORDER BY created DESC LIMIT ?`)
      .all(tenant, limit)
      .map(batchOf);
  }

  unfinished(): StoredBatch[] {
    return prepared(this.#db, `${BATCHES} WHERE state <> 'completed' ORDER BY created`)
      .all()
      .map(batchOf);
  }

  received(batch: string, limit: number): StoredRow[] {
    return prepared(
      this.#db,
      `SELECT * FROM rows WHERE batch = ? AND state = 'received' ORDER BY n LIMIT ?`,
    )
      .all(batch, limit)
      .map(rowOf);
  }

  decide(batch: string, verdicts: readonly RowVerdict[], perChunk: number): void {
    inTransaction(this.#db, () => {
      const db = this.#db;
      const known = prepared(db, 'SELECT min(n) AS n FROM rows WHERE batch = ? AND key = ?');
      const put = prepared(
        db,
        `UPDATE rows SET state = ?, reason = ?, coverage = coalesce(?, coverage), payer = ?, key = ?,
          chunk = ?, same = ? WHERE batch = ? AND n = ? AND state = 'received'`,
      );
      let { chunk: last, filled } = this.#lastChunk(batch);
      for (const { n, reason, coverage, payer, key } of verdicts) {
        const first = key === undefined ? null : (known.get(batch, key)?.n ?? null);
        const state = reason !== undefined ? 'refused' : first === null ? 'accepted' : 'same';
        if (state === 'accepted')
          [last, filled] = filled < perChunk ? [last, filled + 1] : [last + 1, 1];
        const chunk = state === 'accepted' ? last : null;
        const own = state === 'accepted' ? (key ?? null) : null;
        const found = [coverage ?? null, payer ?? null, own];
        put.run(state, reason ?? null, ...found, chunk, first, batch, n);
      }
    });
  }

  /** Looks at one chunk alone: counting all of a million rows each time would take minutes. */
  #lastChunk(batch: string): { chunk: number; filled: number } {
    const row = prepared(
      this.#db,
      `SELECT chunk, count(*) AS n FROM rows WHERE batch = ?1 AND chunk =
        (SELECT max(chunk) FROM rows WHERE batch = ?1 AND chunk IS NOT NULL) GROUP BY chunk`,
    ).get(batch);
    return { chunk: Number(row?.chunk ?? 0), filled: Number(row?.n ?? 0) };
  }

  /** Those that were tried, and those that were not. */
  chunks(batch: string): Chunk[] {
    const tried = prepared(this.#db, 'SELECT * FROM chunks WHERE batch = ? ORDER BY chunk')
      .all(batch)
      .map(chunkOf);
    const known = new Set(tried.map(({ chunk }) => chunk));
    const all = prepared(
      this.#db,
      'SELECT DISTINCT chunk FROM rows WHERE batch = ? AND chunk IS NOT NULL ORDER BY chunk',
    ).all(batch);
    const fresh = all.flatMap(({ chunk }): Chunk[] =>
      known.has(Number(chunk))
        ? []
        : [{ batch, chunk: Number(chunk), name: '', state: 'new', since: 0 }],
    );
    return [...tried, ...fresh].toSorted((a, b) => a.chunk - b.chunk);
  }

  putChunk({ batch, chunk, name, state, since, remoteId, token }: Chunk): void {
    prepared(
      this.#db,
      `INSERT INTO chunks (batch, chunk, name, state, since, remote, token)
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (batch, chunk) DO UPDATE SET name = excluded.name,
        state = excluded.state, since = excluded.since, remote = excluded.remote,
        token = excluded.token`,
    ).run(batch, chunk, name, state, since, remoteId ?? null, token ?? null);
  }

  openRows(batch: string, chunk: number): StoredRow[] {
    return prepared(
      this.#db,
      `SELECT * FROM rows WHERE batch = ? AND chunk = ? AND state = 'accepted' ORDER BY n`,
    )
      .all(batch, chunk)
      .map(rowOf);
  }

  settle(batch: string, results: readonly RowResult[], at: number, chunk?: Chunk): void {
    inTransaction(this.#db, () => {
      const put = prepared(
        this.#db,
        `UPDATE rows SET state = ?, reason = ?, status = ?, checked = ?
          WHERE batch = ? AND n = ? AND state = 'accepted'`,
      );
      for (const { n, state, reason, status } of results) {
        put.run(state, reason ?? null, status ?? null, at, batch, n);
      }
      if (chunk !== undefined) this.putChunk(chunk);
    });
  }

  counts(batch: string): Counts {
    const by = (column: 'state' | 'status' | 'reason') =>
      Object.fromEntries(
        prepared(
          this.#db,
          `SELECT ${column} AS name, count(*) AS n FROM rows
            WHERE batch = ? AND ${column} IS NOT NULL GROUP BY ${column} ORDER BY n DESC LIMIT 50`,
        )
          .all(batch)
          .map(({ name, n }) => [String(name), Number(n)]),
      );
    return { byState: by('state'), byStatus: by('status'), byReason: by('reason') };
  }

  /** A row that is the same as another is told with the other's answer. */
  page(batch: string, after: number, limit: number): StoredRow[] {
    return prepared(
      this.#db,
      `SELECT r.batch, r.n, r.member, r.coverage, r.types, r.date, r.reference, r.same, r.state,
          coalesce(s.payer, r.payer) AS payer, coalesce(s.reason, r.reason) AS reason,
          coalesce(s.status, r.status) AS status, coalesce(s.checked, r.checked) AS checked
        FROM rows r LEFT JOIN rows s ON s.batch = r.batch AND s.n = r.same
        WHERE r.batch = ? AND r.n > ? ORDER BY r.n LIMIT ?`,
    )
      .all(batch, after, limit)
      .map(rowOf);
  }

  purge(before: number): void {
    const old = prepared(
      this.#db,
      'SELECT id FROM batches WHERE finished IS NOT NULL AND finished < ?',
    ).all(before);
    for (const { id } of old) this.drop(String(id));
  }
}

const BATCHES =
  'SELECT b.*, (SELECT count(*) FROM rows r WHERE r.batch = b.id) AS rows FROM batches b';

function batchOf(row: Row): StoredBatch {
  return {
    id: String(row.id),
    tenant: String(row.tenant),
    principal: String(row.principal),
    state: row.state as BatchState,
    createdAt: Number(row.created),
    ...(row.finished !== null && { finishedAt: Number(row.finished) }),
    rows: Number(row.rows),
  };
}

function rowOf(row: Row): StoredRow {
  const text = (name: string, column: string) =>
    row[column] === null || row[column] === undefined ? {} : { [name]: String(row[column]) };
  const number = (name: string, column: string) =>
    row[column] === null || row[column] === undefined ? {} : { [name]: Number(row[column]) };
  const types = typeof row.types === 'string' ? { serviceTypes: row.types.split(' ') } : {};
  return {
    ...{ n: Number(row.n), state: row.state as RowState },
    ...text('member', 'member'),
    ...text('coverage', 'coverage'),
    ...types,
    ...text('serviceDate', 'date'),
    ...text('reference', 'reference'),
    ...text('payer', 'payer'),
    ...text('reason', 'reason'),
    ...text('status', 'status'),
    ...number('checkedAt', 'checked'),
    ...number('sameAs', 'same'),
    ...number('chunk', 'chunk'),
  };
}

function chunkOf(row: Row): Chunk {
  return {
    batch: String(row.batch),
    chunk: Number(row.chunk),
    name: String(row.name),
    state: row.state as Chunk['state'],
    since: Number(row.since),
    ...(row.remote !== null && { remoteId: String(row.remote) }),
    ...(row.token !== null && { token: String(row.token) }),
  };
}
