/**
 * The Merkle tree of RFC 6962 §2.1 and RFC 9162 §2.1: hashes, roots and proofs. The hash function is
 * an argument, so that the server, the command line and a browser each bring their own.
 */

/** SHA-256 of all parts, one after the other: 32 bytes. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;

/**
 * The hash of a whole subtree: of the 2^height leaves from `index * 2^height` on. Only asked where
 * the tree has all of them.
 */
export type SubtreeOf = (height: number, index: number) => Uint8Array;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export function leafHash(sha256: Sha256, data: Uint8Array): Uint8Array {
  return sha256(LEAF, data);
}

export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE, left, right);
}

/** MTH(D[size]): of an empty tree the hash of nothing. */
export function rootOf(sha256: Sha256, size: number, subtree: SubtreeOf): Uint8Array {
  return size === 0 ? sha256() : rangeHash(sha256, 0, size, subtree);
}

/** MTH(D[from:to]), where `from` is a multiple of the largest power of two below the length. */
function rangeHash(sha256: Sha256, from: number, to: number, subtree: SubtreeOf): Uint8Array {
  const length = to - from;
  const height = Math.log2(length);
  if (Number.isInteger(height)) return subtree(height, from / length);
  const middle = from + largestPowerBelow(length);
  return nodeHash(
    sha256,
    rangeHash(sha256, from, middle, subtree),
    rangeHash(sha256, middle, to, subtree),
  );
}

/** k of RFC 6962 §2.1: the largest power of two smaller than n, for n > 1. */
function largestPowerBelow(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1);
}

/** PROOF(m, D[n]) of RFC 6962 §2.1.2, for 0 < m <= n. */
export function consistencyProof(
  sha256: Sha256,
  m: number,
  n: number,
  subtree: SubtreeOf,
): Uint8Array[] {
  const proof: Uint8Array[] = [];
  let [from, to, wanted, whole] = [0, n, m, true];
  const rest: Uint8Array[] = [];
  while (wanted < to - from) {
    const middle = from + largestPowerBelow(to - from);
    if (wanted <= middle - from) {
      rest.push(rangeHash(sha256, middle, to, subtree));
      to = middle;
    } else {
      rest.push(rangeHash(sha256, from, middle, subtree));
      wanted -= middle - from;
      from = middle;
      whole = false;
    }
  }
  if (!whole) proof.push(rangeHash(sha256, from, to, subtree));
  return [...proof, ...rest.reverse()];
}

/** PATH(index, D[size]) of RFC 6962 §2.1.1: from the leaf upward. */
export function inclusionProof(
  sha256: Sha256,
  index: number,
  size: number,
  subtree: SubtreeOf,
): Uint8Array[] {
  const path: Uint8Array[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      path.push(rangeHash(sha256, middle, to, subtree));
      to = middle;
    } else {
      path.push(rangeHash(sha256, from, middle, subtree));
      from = middle;
    }
  }
  return path.reverse();
}

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion(
  sha256: Sha256,
  { index, size, leaf, root }: { index: number; size: number; leaf: Uint8Array; root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (index >= size) return false;
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const part of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sha256, part, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else hash = nodeHash(sha256, hash, part);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameBytes(hash, root);
}

/** RFC 9162 §2.1.4.2: whether the tree of `size` begins with the one of `oldSize`. */
export function verifyConsistency(
  sha256: Sha256,
  old: { readonly size: number; readonly root: Uint8Array },
  now: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (old.size > now.size) return false;
  if (old.size === now.size) return proof.length === 0 && sameBytes(old.root, now.root);
  if (old.size === 0) return proof.length === 0;
  const isPower = Number.isInteger(Math.log2(old.size));
  const [first, ...rest] = isPower ? [old.root, ...proof] : proof;
  if (first === undefined) return false;
  let [fn, sn] = [old.size - 1, now.size - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr] = [first, first];
  for (const part of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(sha256, part, fr);
      sr = nodeHash(sha256, part, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = nodeHash(sha256, sr, part);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameBytes(fr, old.root) && sameBytes(sr, now.root);
}

const half = (n: number): number => Math.floor(n / 2);

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A tree that grows: its whole subtrees, largest first, and its root at any time. */
export class GrowingTree {
  readonly #sha256: Sha256;
  readonly #onSubtree: (height: number, index: number, hash: Uint8Array) => void;
  #peaks: { readonly height: number; readonly hash: Uint8Array }[] = [];
  size = 0;

  /** @param onSubtree told of each subtree that became whole, single leaves left out */
  constructor(
    sha256: Sha256,
    onSubtree: (height: number, index: number, hash: Uint8Array) => void = () => undefined,
  ) {
    this.#sha256 = sha256;
    this.#onSubtree = onSubtree;
  }

  /** Goes on with a tree of that size. */
  resume(size: number, subtree: SubtreeOf): void {
    this.#peaks = [];
    let at = 0;
    for (let height = 52; height >= 0; height -= 1) {
      const length = 2 ** height;
      if (Math.floor(size / length) % 2 === 0) continue;
      this.#peaks.push({ height, hash: subtree(height, at / length) });
      at += length;
    }
    this.size = size;
  }

  append(leaf: Uint8Array): void {
    let [height, hash] = [0, leaf];
    this.size += 1;
    for (let last = this.#peaks.at(-1); last?.height === height; last = this.#peaks.at(-1)) {
      this.#peaks.pop();
      hash = nodeHash(this.#sha256, last.hash, hash);
      height += 1;
      this.#onSubtree(height, this.size / 2 ** height - 1, hash);
    }
    this.#peaks.push({ height, hash });
  }

  root(): Uint8Array {
    const hashes = this.#peaks.map(({ hash }) => hash);
    const last = hashes.pop();
    if (last === undefined) return this.#sha256();
    return hashes.reduceRight((right, left) => nodeHash(this.#sha256, left, right), last);
  }
}
