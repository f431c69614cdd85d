import { DatabaseSync } from 'node:sqlite';
import { GrowingTree, sameBytes } from '../../contract/audit/merkle.ts';
import { timeOf } from '../../contract/audit/note.ts';
import { isTakenOver, rowIn } from './body.ts';
import { chainNext, chainStart, leafOf, sha256 } from './hashes.ts';
import { legacyNext } from './legacy.ts';
import { membersOf } from './record.ts';
import { type Generation, KEPT_HEIGHT, type KeptRow, TrailRows } from './rows.ts';
import { openNote, originOf } from './signing.ts';

/** What is known of a generation from outside its own store. */
export interface OutsideCheckpoint {
  readonly generation: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** ISO 8601, as the note says it. */
  readonly at?: string;
}

export interface GenerationVerdict {
  readonly generation: string;
  readonly instance: string;
  readonly opened: string;
  readonly records: number;
  /** The tree's root, base64: what a later look can be compared with. */
  readonly root: string;
  readonly ok: boolean;
  /** The first row that is not what was written; from 1. */
  readonly firstBad?: number;
  /** The last row that may be that first one, where no more is known than a stretch of rows. */
  readonly lastBad?: number;
  readonly why?: string;
  /** Rows that an outside checkpoint covers, and its time. */
  readonly witnessed: number;
  readonly witnessedAt?: string;
}

export interface VerifyOptions {
  /** Of the file; opened for reading only, also beside a running server. */
  readonly path: string;
  readonly publicKey: Uint8Array;
  /** Checkpoints that were kept elsewhere, their signatures verified. */
  readonly outside: readonly OutsideCheckpoint[];
}

/** Rows read in one go, between two pauses for whoever else uses this thread. */
const ROWS_MAX = 500;

/**
 * Walks each generation and names the first row that is not what was written: edited, deleted,
 * moved, repeated, put before its time, or, by a checkpoint that was kept elsewhere, cut off or
 * written anew.
 */
export async function verifyTrail(options: VerifyOptions): Promise<GenerationVerdict[]> {
  const db = new DatabaseSync(options.path, { readOnly: true });
  try {
    const verdicts: GenerationVerdict[] = [];
    for (const generation of new TrailRows(db).generations()) {
      verdicts.push(await new Walk(db, generation, options).run());
    }
    return verdicts;
  } finally {
    db.close();
  }
}

interface Bad {
  readonly firstBad: number;
  readonly lastBad?: number;
  readonly why: string;
}

interface Known {
  readonly size: number;
  readonly root: Uint8Array;
  readonly whose: string;
}

class Walk {
  readonly #db: DatabaseSync;
  readonly #rows: TrailRows;
  readonly #generation: Generation;
  readonly #options: VerifyOptions;
  readonly #tree: GrowingTree;
  /** By size. */
  readonly #known: ReadonlyMap<number, readonly Known[]>;
  #chain: Uint8Array;
  #proven = 0;
  #last: { at: number; body: string } | undefined;
  #bad: Bad | undefined;
  /** The chain of before the Merkle log: what it is said to be, and what the rows say. */
  #legacy: { readonly records: number; readonly head: string } | undefined;
  #legacyHead = '0'.repeat(64);
  readonly #conflicts: ReadonlySet<number>;

  constructor(db: DatabaseSync, generation: Generation, options: VerifyOptions) {
    this.#db = db;
    this.#rows = new TrailRows(db);
    this.#generation = generation;
    this.#options = options;
    this.#chain = chainStart(generation.id);
    const node = db.prepare('SELECT hash FROM node WHERE gen = ? AND height = ? AND i = ?');
    this.#tree = new GrowingTree(sha256, (height, i, hash) => {
      if (height < KEPT_HEIGHT) return;
      const kept = node.get(generation.n, height, i)?.hash as Uint8Array | undefined;
      if (kept === undefined || sameBytes(kept, hash)) return;
      const span = { firstBad: i * 2 ** height + 1, lastBad: (i + 1) * 2 ** height };
      this.#bad ??= { ...span, why: 'the tree over these rows has another hash' };
    });
    this.#known = Map.groupBy(this.#knownRoots(), ({ size }) => size);
    const conflicts = db.prepare('SELECT seq FROM conflict WHERE gen = ?').all(generation.n);
    this.#conflicts = new Set(conflicts.map(({ seq }) => Number(seq)));
  }

  async run(): Promise<GenerationVerdict> {
    for (let next = 1; this.#bad === undefined; ) {
      const rows = this.#rows.from(this.#generation.id, next, ROWS_MAX);
      for (const row of rows) {
        this.#bad ??= this.#take(row);
        if (this.#bad !== undefined) break;
      }
      if (rows.length < ROWS_MAX) break;
      next = this.#tree.size + 1;
      await new Promise(setImmediate);
    }
    this.#bad ??= this.#missing();
    return this.#verdict();
  }

  #take(row: KeptRow): Bad | undefined {
    const { index, body, hash, at } = row;
    const wanted = this.#tree.size + 1;
    if (index !== wanted) return { firstBad: wanted, why: `missing: the next row is ${index}` };
    if (this.#conflicts.has(index)) {
      return { firstBad: index, why: 'two different rows were written in this place' };
    }
    const leaf = leafOf({ generation: this.#generation.id, index, body });
    this.#chain = chainNext(this.#chain, leaf);
    if (!sameBytes(hash, this.#chain)) {
      const why = 'its hash does not follow from its place, its content and the row before';
      return { firstBad: index, why };
    }
    const bad = this.#misplaced(row);
    if (bad !== undefined) return bad;
    this.#tree.append(leaf);
    this.#last = { at, body };
    return this.#bad ?? this.#unlike();
  }

  /** What stands beside the body must be what the body says, and time goes on. */
  #misplaced({ index, body, at }: KeptRow): Bad | undefined {
    if (isTakenOver(body)) {
      this.#legacyHead = legacyNext(this.#legacyHead, body);
      return undefined;
    }
    const row = rowIn(body);
    const chain = /hash chain of (\d+) records, head ([0-9a-f]{64})/.exec(row.why);
    if (row.action === 'opened' && chain !== null) {
      this.#legacy = { records: Number(chain[1]), head: chain[2] ?? '' };
    }
    if (Date.parse(row.at) !== at) return { firstBad: index, why: 'kept under another time' };
    const before = this.#last;
    const explained = row.action === 'clock' || before === undefined || isTakenOver(before.body);
    if (!explained && at < before.at) {
      return { firstBad: index, why: 'earlier than the row before it, and no clock went back' };
    }
    const about = this.#db.prepare(
      'SELECT member FROM about WHERE gen = ? AND seq = ? AND member = ? AND at = ?',
    );
    const hidden = membersOf(row).find(
      (member) => about.get(this.#generation.n, index, member, at) === undefined,
    );
    return hidden === undefined
      ? undefined
      : { firstBad: index, why: 'hidden from the access log of a member whom it is about' };
  }

  /** The root at each size of which a checkpoint is known. */
  #unlike(): Bad | undefined {
    const { size } = this.#tree;
    const known = this.#known.get(size) ?? [];
    const unlike = known.find(({ root }) => !sameBytes(root, this.#tree.root()));
    if (unlike !== undefined) return this.#rewritten(unlike.whose);
    if (known.length > 0) this.#proven = size;
    if (this.#legacy !== undefined && size === this.#legacy.records + 1) {
      if (this.#legacy.head !== this.#legacyHead) {
        return { firstBad: 2, lastBad: size, why: 'the older chain taken over had another head' };
      }
    }
    return undefined;
  }

  #rewritten(whose: string): Bad {
    const span = { firstBad: this.#proven + 1, lastBad: this.#tree.size };
    return { ...span, why: `written anew: ${whose} has another root for these rows` };
  }

  #missing(): Bad | undefined {
    const { size } = this.#tree;
    const longest = [...this.#known.keys()].reduce((most, known) => Math.max(most, known), 0);
    if (size >= longest) return undefined;
    return { firstBad: size + 1, why: `cut off: a checkpoint knows rows up to ${longest}` };
  }

  #knownRoots(): Known[] {
    const { id } = this.#generation;
    const own = this.#rows.checkpoints(id).map(({ size, note }): Known => {
      const checkpoint = openNote(note, this.#options.publicKey);
      if (checkpoint?.origin === originOf(id) && checkpoint.size === size) {
        return { size, root: checkpoint.root, whose: 'a checkpoint of its own' };
      }
      return { size, root: new Uint8Array(), whose: 'a checkpoint that our key did not sign' };
    });
    return [
      ...own,
      ...this.#outside().map((one) => ({ ...one, whose: 'a checkpoint kept outside' })),
    ];
  }

  #outside(): OutsideCheckpoint[] {
    const { id } = this.#generation;
    return this.#options.outside.filter(({ generation }) => generation === id);
  }

  #verdict(): GenerationVerdict {
    const { id: generation, instance, opened } = this.#generation;
    const records = this.#tree.size;
    const bad = this.#bad;
    const covering = this.#outside().filter(
      ({ size }) => size <= (bad === undefined ? records : bad.firstBad - 1),
    );
    const last = covering.toSorted((a, b) => a.size - b.size).at(-1);
    return {
      ...{ generation, instance, opened, records },
      root: Buffer.from(this.#tree.root()).toString('base64'),
      ok: bad === undefined,
      ...bad,
      witnessed: last?.size ?? 0,
      ...(last?.at !== undefined && { witnessedAt: last.at }),
    };
  }
}

/** Outside checkpoints among notes, where our key has signed them. */
export function outsideOf(notes: readonly string[], publicKey: Uint8Array): OutsideCheckpoint[] {
  return notes.flatMap((note) => {
    const checkpoint = openNote(note, publicKey);
    const generation = checkpoint?.origin.slice(originOf('').length);
    if (checkpoint === undefined || generation === undefined) return [];
    const at = timeOf(checkpoint);
    const { size, root } = checkpoint;
    return [{ generation, size, root, ...(at !== undefined && { at }) }];
  });
}
