import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GrowingTree, rootOf } from '../../contract/audit/merkle.ts';
import { parseCheckpoint, parseNote, toBase64 } from '../../contract/audit/note.ts';
import type { AuditRow } from '../../contract/audit/row.ts';
import { randomId } from '../../kernel/ids.ts';
import { canonicalJson } from '../../kernel/json.ts';
import { inTransaction } from '../../kernel/sqlite.ts';
import { chainNext, chainStart, leafOf, sha256 } from './hashes.ts';
import { isLegacy, setAside, takenOver } from './legacy.ts';
import { type Generation, KEPT_HEIGHT, TrailRows } from './rows.ts';
import { createTables, openTrailFile } from './schema.ts';

/** A row ready to be stored: its canonical JSON, when, and whom it is about. */
export interface StorableRecord {
  readonly body: string;
  /** Milliseconds since the epoch: the `at` of the body. */
  readonly at: number;
  readonly members: readonly string[];
  /** How it stands in access logs; see `quietOf`. */
  readonly quiet?: 0 | 1 | 2;
}

/** How far a generation is. */
export interface Head {
  readonly generation: string;
  readonly instance: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Rows between two checks of the tail at an opening: one kept subtree. */
const TAIL_ROWS = 2 ** KEPT_HEIGHT;

/**
 * This instance's own rows: append only, every commit fsynced, one Merkle log a generation. Only the
 * one that opened it last may write.
 */
export class AuditStore {
  readonly rows: TrailRows;
  readonly #db: DatabaseSync;
  readonly #writer: number;
  #insert: StatementSync;
  #insertAbout: StatementSync;
  #generation: Generation;
  #tree: GrowingTree;
  #chain: Uint8Array = new Uint8Array();
  #lastAt = 0;

  /** @throws Error when the last rows do not follow from those before: see `audit verify`. */
  constructor(path: string, nowMs: number) {
    this.#db = openTrailFile(path, 'FULL');
    const db = this.#db;
    this.rows = new TrailRows(db);
    this.#tree = new GrowingTree(sha256);
    const legacy = isLegacy(db);
    if (!legacy) createTables(db);
    this.#writer = inTransaction(db, () => (legacy ? this.#takeOver(nowMs) : this.#claim(nowMs)));
    this.#insert = this.#insertion();
    this.#insertAbout = this.#insertionAbout();
    this.#generation = this.#newest();
    this.#resume();
    this.#requireOwnCheckpoint();
  }

  /** All in one transaction; durable when it returns. */
  append(records: readonly StorableRecord[]): void {
    this.#transact(() => this.#write(records));
  }

  head(): Head {
    const { id, instance } = this.#generation;
    return { generation: id, instance, size: this.#tree.size, root: this.#tree.root() };
  }

  /** The root of the first rows of the present generation; `undefined` where it has fewer. */
  rootAt(size: number): Uint8Array | undefined {
    if (size > this.#tree.size) return undefined;
    return rootOf(sha256, size, this.rows.subtreesOf(this.#generation));
  }

  /** What this store went back behind is proven no further: rows go to another log from now on. */
  beginGeneration(why: string, nowMs: number): Head {
    const before = this.head();
    this.#transact(() => {
      const follows = `follows ${before.generation} of ${before.size} rows, root ${toBase64(before.root)}: ${why}`;
      this.#open(before.instance, follows, nowMs);
    });
    return this.head();
  }

  keepCheckpoint({ size, at, note }: { size: number; at: string; note: string }): void {
    this.#db
      .prepare('INSERT OR IGNORE INTO checkpoint VALUES (?, ?, ?, ?)')
      .run(this.#generation.n, size, at, note);
  }

  close(): void {
    this.#db.close();
  }

  #transact(work: () => void): void {
    try {
      inTransaction(this.#db, () => {
        if (this.rows.progress('writer') !== this.#writer) {
          throw new Error(
            'another process has opened this audit: nothing is written here any more',
          );
        }
        work();
      });
    } catch (error) {
      // A COMMIT that reported a fault may still have been made.
      this.#generation = this.#newest();
      this.#resume();
      throw error;
    }
  }

  #write(records: readonly StorableRecord[]): void {
    for (const record of records) {
      if (record.at < this.#lastAt) this.#writeOne(clockRow(this.#lastAt, record.at));
      this.#writeOne(record);
    }
  }

  #writeOne({ body, at, members, quiet = 0 }: StorableRecord): void {
    const { n, id } = this.#generation;
    const index = this.#tree.size + 1;
    const leaf = leafOf({ generation: id, index, body });
    this.#chain = chainNext(this.#chain, leaf);
    this.#insert.run(n, index, at, this.#chain, body);
    for (const member of members) this.#insertAbout.run(member, at, n, index, quiet);
    this.#tree.append(leaf);
    this.#lastAt = at;
  }

  /** The first opening makes the first generation; each later one takes the writing over. */
  #claim(nowMs: number): number {
    const writer = (this.rows.progress('writer') ?? 0) + 1;
    this.rows.setProgress('writer', writer);
    this.#insert = this.#insertion();
    this.#insertAbout = this.#insertionAbout();
    if (this.rows.generations().length === 0) {
      this.#open(randomId().slice(0, 8), 'the first generation of this instance', nowMs);
    }
    return writer;
  }

  #takeOver(nowMs: number): number {
    const { records, head, firstBad } = setAside(this.#db);
    createTables(this.#db);
    this.rows.setProgress('writer', 1);
    this.#insert = this.#insertion();
    this.#insertAbout = this.#insertionAbout();
    const broken = firstBad === 0 ? '' : `; it was broken at record ${firstBad}`;
    const follows = `follows a hash chain of ${records} records, head ${head}, taken over as rows 2 to ${records + 1}${broken}`;
    const [oldest = nowMs] = [
      ...this.#db.prepare('SELECT body FROM old_record WHERE seq = 1').all(),
    ].map(({ body }) => timeIn(String(body)));
    this.#open(randomId().slice(0, 8), follows, Math.min(oldest, nowMs));
    for (const { body, members } of takenOver(this.#db)) {
      this.#writeOne({ body, members, at: timeIn(body) });
    }
    return 1;
  }

  #open(instance: string, why: string, nowMs: number): void {
    const opened = new Date(nowMs).toISOString();
    const n = (this.rows.generations().at(-1)?.n ?? 0) + 1;
    const id = randomId();
    this.#db.prepare('INSERT INTO generation VALUES (?, ?, ?, ?)').run(n, id, instance, opened);
    this.#generation = { n, id, instance, opened };
    this.#chain = chainStart(id);
    this.#tree = this.#treeOf(this.#generation);
    this.#writeOne(trailRow('opened', why, nowMs));
  }

  #newest(): Generation {
    const newest = this.rows.generations().at(-1);
    if (newest === undefined) throw new Error('the audit has no generation');
    return newest;
  }

  #treeOf({ n }: Generation): GrowingTree {
    const keep = this.#db.prepare('INSERT INTO node VALUES (?, ?, ?, ?)');
    return new GrowingTree(sha256, (height, index, hash) => {
      if (height >= KEPT_HEIGHT) keep.run(n, height, index, hash);
    });
  }

  /** Tree and chain from what is kept; the rows of the last block are looked at one by one. */
  #resume(): void {
    const { n, id } = this.#generation;
    const size = this.rows.size(n);
    this.#tree = this.#treeOf(this.#generation);
    this.#tree.resume(size, this.rows.subtreesOf(this.#generation));
    const start = Math.max(size - TAIL_ROWS, 0);
    const [before, ...tail] = [
      ...(start === 0 ? [{ hash: chainStart(id), at: 0, index: 0, body: '' }] : []),
      ...this.rows.from(id, Math.max(start, 1), TAIL_ROWS + 1),
    ];
    if (before === undefined) throw new Error('the audit has lost its rows');
    this.#chain = before.hash;
    this.#lastAt = before.at;
    for (const [place, { index, body, hash, at }] of tail.entries()) {
      this.#chain = chainNext(this.#chain, leafOf({ generation: id, index, body }));
      if (index !== start + place + 1 || Buffer.compare(hash, this.#chain) !== 0) {
        throw new Error(`the audit's row ${index} does not follow from the one before it`);
      }
      this.#lastAt = at;
    }
  }

  #requireOwnCheckpoint(): void {
    const { id } = this.#generation;
    const last = this.rows.checkpoints(id).at(-1);
    const known = last && parseCheckpoint(parseNote(last.note)?.text ?? '');
    if (known === undefined) return;
    const root = this.rootAt(known.size);
    const fits = root !== undefined && Buffer.compare(root, known.root) === 0;
    if (!fits) throw new Error(`the audit is not what its checkpoint of ${known.size} rows says`);
  }

  #insertion(): StatementSync {
    return this.#db.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?)');
  }

  #insertionAbout(): StatementSync {
    return this.#db.prepare('INSERT OR IGNORE INTO about VALUES (?, ?, ?, ?, ?)');
  }
}

/** A row of the trail itself. */
function trailRow(action: 'opened' | 'clock', why: string, at: number): StorableRecord {
  const row: AuditRow = {
    ...{ v: 2, at: new Date(at).toISOString(), action, outcome: 'success' },
    ...{ id: randomId(), what: [], why },
  };
  return { body: canonicalJson(row), at, members: [] };
}

/** An honest clock that was set back says so; a row that is merely earlier was put there. */
function clockRow(from: number, to: number): StorableRecord {
  const why = `the clock went back from ${new Date(from).toISOString()}`;
  return trailRow('clock', why, to);
}

function timeIn(legacy: string): number {
  const { recorded } = JSON.parse(legacy) as { recorded?: string };
  return Date.parse(recorded ?? '') || 0;
}
