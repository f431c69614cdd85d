import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../../kernel/sqlite.ts';
import type { AuditBatch, ShippedCheckpoint, ShippedRow } from '../../twin/ports.ts';
import { rowIn } from './body.ts';
import { quietOf } from './record.ts';
import { TrailRows } from './rows.ts';
import { createTables, openTrailFile } from './schema.ts';

/**
 * The rows of all instances as they came by the topic, each once, whatever its order. It can be had
 * again from the topic, so a power cut may take the last of it.
 */
export class TrailStore {
  readonly #db: DatabaseSync;
  readonly #rows: TrailRows;

  constructor(path: string) {
    this.#db = openTrailFile(path, 'NORMAL');
    createTables(this.#db);
    this.#rows = new TrailRows(this.#db);
  }

  /** Rows, checkpoints and the offset to go on from, in one transaction. */
  take({ partition, next, rows, checkpoints }: AuditBatch): void {
    inTransaction(this.#db, () => {
      const grown = new Set(rows.map((row) => this.#takeRow(row)));
      for (const checkpoint of checkpoints) grown.add(this.#takeCheckpoint(checkpoint));
      for (const n of grown) this.#advance(n);
      this.#rows.setProgress(`offset/${partition}`, next);
    });
  }

  /** Offsets to go on from, by partition. */
  places(): Map<number, number> {
    const rows = this.#db.prepare("SELECT name, value FROM progress WHERE name LIKE 'offset/%'");
    return new Map(
      rows.all().map(({ name, value }) => [Number(String(name).slice(7)), Number(value)]),
    );
  }

  close(): void {
    this.#db.close();
  }

  /** A second row in the same place is no duplicate where it says something else. */
  #takeRow({ generation, instance, index, at, hash, body, members }: ShippedRow): number {
    const n = this.#number(generation, instance, at);
    const known = this.#db.prepare('SELECT hash, body FROM record WHERE gen = ? AND seq = ?');
    const found = known.get(n, index);
    if (found !== undefined) {
      const same = Buffer.compare(found.hash as Uint8Array, hash) === 0 && found.body === body;
      if (!same) {
        this.#db
          .prepare('INSERT OR IGNORE INTO conflict VALUES (?, ?, ?, ?)')
          .run(n, index, hash, body);
      }
      return n;
    }
    this.#db.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?)').run(n, index, at, hash, body);
    const quiet = quietOf(rowIn(body));
    const about = this.#db.prepare('INSERT OR IGNORE INTO about VALUES (?, ?, ?, ?, ?)');
    for (const member of members) about.run(member, at, n, index, quiet);
    return n;
  }

  #takeCheckpoint({ generation, instance, size, at, note }: ShippedCheckpoint): number {
    const n = this.#number(generation, instance, Date.parse(at));
    const sizes = this.#db.prepare('SELECT max(size) AS size FROM checkpoint WHERE gen = ?').get(n);
    if (Number(sizes?.size ?? -1) !== size) {
      this.#db
        .prepare('INSERT OR IGNORE INTO checkpoint VALUES (?, ?, ?, ?)')
        .run(n, size, at, note);
    }
    // The same size said again: nothing was written since, and up to then all is known.
    this.#rows.setProgress(`said/${n}`, size);
    this.#rows.setProgress(`said-at/${n}`, Date.parse(at));
    return n;
  }

  /** How far the rows have no gap. */
  #advance(n: number): void {
    const has = this.#db.prepare('SELECT 1 FROM record WHERE gen = ? AND seq = ?');
    const before = this.#rows.progress(`whole/${n}`) ?? 0;
    let whole = before;
    while (has.get(n, whole + 1) !== undefined) whole += 1;
    if (whole > before) this.#rows.setProgress(`whole/${n}`, whole);
  }

  #number(id: string, instance: string, atMs: number): number {
    const found = this.#db.prepare('SELECT n FROM generation WHERE id = ?').get(id);
    if (found !== undefined) return Number(found.n);
    const n = (this.#rows.generations().at(-1)?.n ?? 0) + 1;
    const opened = new Date(atMs).toISOString();
    this.#db.prepare('INSERT INTO generation VALUES (?, ?, ?, ?)').run(n, id, instance, opened);
    return n;
  }
}

/** Up to when everything of each instance is known, by what its rows and checkpoints say. */
export function completeness(rows: TrailRows): { instance: string; time: string }[] {
  const byInstance = Map.groupBy(rows.generations(), ({ instance }) => instance);
  return [...byInstance].map(([instance, generations]) => {
    const ends = generations.map(({ n, id }) => {
      const whole = rows.progress(`whole/${n}`) ?? 0;
      const said = rows.progress(`said/${n}`) ?? 0;
      const last = rows.from(id, Math.max(whole, 1), 1)[0]?.at ?? 0;
      const gap = rows.size(n) > whole || said > whole;
      return { gap, at: gap ? last : Math.max(last, rows.progress(`said-at/${n}`) ?? 0) };
    });
    const gaps = ends.filter(({ gap }) => gap).map(({ at }) => at);
    const at = gaps.length > 0 ? Math.min(...gaps) : Math.max(...ends.map((end) => end.at));
    return { instance, time: new Date(at).toISOString() };
  });
}
