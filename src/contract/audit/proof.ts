/** Verifying an export without the server: rows or their hashes, against signed checkpoints. */
import { GrowingTree, leafHash, type Sha256, sameBytes } from './merkle.ts';
import { type Checkpoint, fromBase64, ORIGIN_PREFIX, toBase64 } from './note.ts';
import type { ExportedRow } from './reports.ts';
import { leafText } from './row.ts';

export interface ExportVerdict {
  readonly generation: string;
  readonly records: number;
  readonly root: string;
  readonly ok: boolean;
  readonly firstBad?: number;
  readonly lastBad?: number;
  readonly why?: string;
  /** Rows that a checkpoint covers. */
  readonly proven: number;
}

interface Log {
  readonly tree: GrowingTree;
  /** By size. */
  readonly known: Map<number, Checkpoint[]>;
  proven: number;
  bad?: { readonly firstBad: number; readonly lastBad?: number; readonly why: string };
}

/** Takes the lines of an export in their order; `verdicts` says what they prove. */
export class ExportCheck {
  readonly #sha256: Sha256;
  readonly #logs = new Map<string, Log>();

  /** @param checkpoints whose signatures were verified */
  constructor(sha256: Sha256, checkpoints: readonly Checkpoint[]) {
    this.#sha256 = sha256;
    for (const checkpoint of checkpoints) {
      const generation = checkpoint.origin.slice(ORIGIN_PREFIX.length);
      const { known } = this.#log(generation);
      known.set(checkpoint.size, [...(known.get(checkpoint.size) ?? []), checkpoint]);
    }
  }

  take({ generation, index, body, leaf }: ExportedRow): void {
    const log = this.#log(generation);
    if (log.bad !== undefined) return;
    const next = log.tree.size + 1;
    if (index !== next) {
      log.bad = { firstBad: next, why: `missing: the next row is ${index}` };
      return;
    }
    const hash =
      body === undefined
        ? fromBase64(leaf ?? '')
        : leafHash(this.#sha256, new TextEncoder().encode(leafText({ generation, index, body })));
    if (hash?.length !== 32) {
      log.bad = { firstBad: index, why: 'neither a row nor a hash' };
      return;
    }
    log.tree.append(hash);
    this.#compare(log);
  }

  verdicts(): ExportVerdict[] {
    return [...this.#logs].map(([generation, { tree, known, proven, bad: found }]) => {
      const longest = [...known.keys()].reduce((most, size) => Math.max(most, size), 0);
      const cut = {
        firstBad: tree.size + 1,
        why: `cut off, or older than a checkpoint, which knows ${longest} rows`,
      };
      const bad = found ?? (tree.size < longest ? cut : undefined);
      const root = toBase64(tree.root());
      return { generation, records: tree.size, root, ok: bad === undefined, ...bad, proven };
    });
  }

  #compare(log: Log): void {
    const { tree, known } = log;
    const here = known.get(tree.size) ?? [];
    if (here.length === 0) return;
    if (here.every(({ root }) => sameBytes(root, tree.root()))) {
      log.proven = tree.size;
      return;
    }
    const span = { firstBad: log.proven + 1, lastBad: tree.size };
    log.bad = { ...span, why: 'a checkpoint has another root for these rows' };
  }

  #log(generation: string): Log {
    const known = this.#logs.get(generation);
    if (known !== undefined) return known;
    const log: Log = { tree: new GrowingTree(this.#sha256), known: new Map(), proven: 0 };
    this.#logs.set(generation, log);
    return log;
  }
}
