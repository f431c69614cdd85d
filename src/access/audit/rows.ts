import type { DatabaseSync } from 'node:sqlite';
import type { SubtreeOf } from '../../contract/audit/merkle.ts';
import { nodeHash } from '../../contract/audit/merkle.ts';
import { leafOf, sha256 } from './hashes.ts';

/** Subtrees of so many leaves and more are kept; smaller ones are hashed anew from their rows. */
export const KEPT_HEIGHT = 8;

export interface Generation {
  readonly n: number;
  readonly id: string;
  /** Of whose rows: stays the same when the instance begins another generation. */
  readonly instance: string;
  /** ISO 8601 */
  readonly opened: string;
}

export interface KeptRow {
  readonly generation: string;
  readonly instance: string;
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The chain. */
  readonly hash: Uint8Array;
  readonly body: string;
}

export interface MemberQuery {
  readonly member: string;
  readonly limit: number;
  /** Milliseconds since the epoch, included. */
  readonly from?: number;
  readonly to?: number;
  /** Only rows before this place, in this order: time, generation, index. */
  readonly before?: RowPlace;
  /** Readings of the access log itself stand out unless they are before this time. */
  readonly quietBefore?: number;
}

export interface RangeQuery {
  readonly from: number;
  /** Not included. */
  readonly to: number;
  readonly limit: number;
  readonly after?: RowPlace;
}

/** `generation` by its id. */
export interface RowPlace {
  readonly at: number;
  readonly generation: string;
  readonly index: number;
}

const LAST = Number.MAX_SAFE_INTEGER;
const COLUMNS = `generation.id AS generation, instance, record.seq AS "index", record.at AS at,
  hash, body`;

/** What can be asked of a trail, whoever writes it. */
export class TrailRows {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  generations(): Generation[] {
    const rows = this.#db.prepare('SELECT n, id, instance, opened FROM generation ORDER BY n');
    return rows.all() as unknown as Generation[];
  }

  /** Newest first: by time, generation, index. */
  ofMember(query: MemberQuery): KeptRow[] {
    const { member, limit, from = 0, to = LAST, before, quietBefore = LAST } = query;
    const rows = this.#db.prepare(
      `SELECT ${COLUMNS} FROM about
       JOIN record USING (gen, seq) JOIN generation ON generation.n = about.gen
       WHERE member = ? AND about.at >= ? AND about.at < ? AND about.at <= ?
         AND (quiet = 0 OR (quiet = 1 AND about.at < ?)) AND (about.at, generation.id, about.seq) < (?, ?, ?)
       ORDER BY about.at DESC, generation.id DESC, about.seq DESC LIMIT ?`,
    );
    const end = [before?.at ?? LAST, before?.generation ?? '~', before?.index ?? LAST] as const;
    const asked = [member, from, to, before?.at ?? LAST, quietBefore, ...end, limit];
    return rows.all(...asked) as unknown as KeptRow[];
  }

  /** By which relations people could see a member: rows of `right`, newest first. */
  rightsOf({ member, limit }: { member: string; limit: number }): KeptRow[] {
    const rows = this.#db.prepare(
      `SELECT ${COLUMNS} FROM about
       JOIN record USING (gen, seq) JOIN generation ON generation.n = about.gen
       WHERE member = ? AND quiet = 2
       ORDER BY about.at DESC, generation.id DESC, about.seq DESC LIMIT ?`,
    );
    return rows.all(member, limit) as unknown as KeptRow[];
  }

  /** By time, generation, index. */
  inRange({ from, to, limit, after }: RangeQuery): KeptRow[] {
    const rows = this.#db.prepare(
      `SELECT ${COLUMNS} FROM record JOIN generation ON generation.n = record.gen
       WHERE at >= ? AND at < ? AND (at, generation.id, seq) > (?, ?, ?)
       ORDER BY at, generation.id, seq LIMIT ?`,
    );
    const start = [after?.at ?? -1, after?.generation ?? '', after?.index ?? -1] as const;
    const asked = [Math.max(from, after?.at ?? 0), to, ...start, limit];
    return rows.all(...asked) as unknown as KeptRow[];
  }

  /** Rows of one generation from an index on, in order. */
  from(generation: string, index: number, limit: number): KeptRow[] {
    const rows = this.#db.prepare(
      `SELECT ${COLUMNS} FROM record JOIN generation ON generation.n = record.gen
       WHERE gen = ? AND seq >= ? ORDER BY seq LIMIT ?`,
    );
    const n = this.#number(generation) ?? -1;
    return rows.all(n, index, limit) as unknown as KeptRow[];
  }

  /** Of one generation, oldest first: the notes that were signed, and when. */
  checkpoints(generation: string): { size: number; at: string; note: string }[] {
    const rows = this.#db.prepare(
      'SELECT size, at, note FROM checkpoint WHERE gen = ? ORDER BY size, at',
    );
    const found = rows.all(this.#number(generation) ?? -1);
    return found as unknown as { size: number; at: string; note: string }[];
  }

  size(n: number): number {
    const [row] = this.#db
      .prepare('SELECT coalesce(max(seq), 0) AS size FROM record WHERE gen = ?')
      .all(n);
    return Number(row?.size);
  }

  /** The subtrees of one generation, from what is kept. */
  subtreesOf({ n, id }: Pick<Generation, 'n' | 'id'>): SubtreeOf {
    const node = this.#db.prepare('SELECT hash FROM node WHERE gen = ? AND height = ? AND i = ?');
    const body = this.#db.prepare('SELECT body FROM record WHERE gen = ? AND seq = ?');
    const subtree: SubtreeOf = (height, index) => {
      if (height === 0) {
        const row = body.get(n, index + 1);
        if (row === undefined) throw new Error(`row ${index + 1} of the audit is missing`);
        return leafOf({ generation: id, index: index + 1, body: String(row.body) });
      }
      const kept = height >= KEPT_HEIGHT ? node.get(n, height, index) : undefined;
      if (kept !== undefined) return kept.hash as Uint8Array;
      return nodeHash(sha256, subtree(height - 1, 2 * index), subtree(height - 1, 2 * index + 1));
    };
    return subtree;
  }

  progress(name: string): number | undefined {
    const row = this.#db.prepare('SELECT value FROM progress WHERE name = ?').get(name);
    return row === undefined ? undefined : Number(row.value);
  }

  setProgress(name: string, value: number): void {
    this.#db
      .prepare('INSERT INTO progress VALUES (?, ?) ON CONFLICT DO UPDATE SET value = ?')
      .run(name, value, value);
  }

  #number(generation: string): number | undefined {
    const row = this.#db.prepare('SELECT n FROM generation WHERE id = ?').get(generation);
    return row === undefined ? undefined : Number(row.n);
  }
}
