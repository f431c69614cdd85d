import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  consistencyProof,
  GrowingTree,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  type Sha256,
  type SubtreeOf,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The leaves of the reference implementation of RFC 6962 (certificate-transparency, merkle tests). */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((text) => Buffer.from(text, 'hex'));
/** Its roots, by the number of leaves. */
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const hashesOf = (leaves: readonly Uint8Array[]) => leaves.map((leaf) => leafHash(sha256, leaf));

/** By the definition of MTH alone, leaf by leaf. */
function subtreesOf(leaves: readonly Uint8Array[]): SubtreeOf {
  const subtree: SubtreeOf = (height, index) => {
    if (height === 0) return leaves[index] ?? assert.fail(`no leaf ${index}`);
    const [left, right] = [subtree(height - 1, 2 * index), subtree(height - 1, 2 * index + 1)];
    return nodeHash(sha256, left, right);
  };
  return subtree;
}

test('B-AD-1: roots are those of the test vectors of RFC 6962, grown or from the whole', () => {
  for (const [size, root] of ROOTS.entries()) {
    const leaves = hashesOf(LEAVES.slice(0, size));
    assert.equal(hex(rootOf(sha256, size, subtreesOf(leaves))), root, `${size} leaves`);
    const tree = new GrowingTree(sha256);
    for (const leaf of leaves) tree.append(leaf);
    assert.equal(hex(tree.root()), root, `grown to ${size}`);
  }
});

test('B-AD-1: proofs are those of the test vectors of RFC 6962', () => {
  const subtree = subtreesOf(hashesOf(LEAVES));
  assert.deepEqual(inclusionProof(sha256, 0, 8, subtree).map(hex), [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ]);
  assert.deepEqual(consistencyProof(sha256, 6, 8, subtree).map(hex), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
  assert.deepEqual(consistencyProof(sha256, 1, 1, subtree), []);
});

test('B-AD-1: every proof of a tree holds, and none holds for another root, size or leaf', () => {
  const cases = fc.record({
    leaves: fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 70 }),
    at: fc.nat(),
    flip: fc.nat(),
  });
  fc.assert(
    fc.property(cases, ({ leaves: data, at, flip }) => {
      const leaves = hashesOf(data);
      const size = leaves.length;
      const subtree = subtreesOf(leaves);
      const now = { size, root: rootOf(sha256, size, subtree) };
      const index = at % size;
      const old = { size: index + 1, root: rootOf(sha256, index + 1, subtree) };
      const proof = consistencyProof(sha256, old.size, size, subtree);
      assert.ok(verifyConsistency(sha256, old, now, proof));
      const path = inclusionProof(sha256, index, size, subtree);
      const leaf = leaves[index] ?? assert.fail();
      assert.ok(verifyInclusion(sha256, { index, leaf, ...now }, path));

      const other = Uint8Array.from(old.root, (byte, i) => (i === flip % 32 ? byte ^ 1 : byte));
      assert.ok(!verifyConsistency(sha256, { ...old, root: other }, now, proof));
      assert.ok(!verifyConsistency(sha256, old, { ...now, root: other }, proof));
      assert.ok(!verifyInclusion(sha256, { index, leaf: other, ...now }, path));
      assert.ok(!verifyConsistency(sha256, old, now, [...proof, other]));
    }),
    { numRuns: 200 },
  );
});

test('a tree that goes on from its subtrees is the same tree', () => {
  fc.assert(
    fc.property(fc.nat({ max: 80 }), fc.nat({ max: 40 }), (first, more) => {
      const leaves = hashesOf(Array.from({ length: first + more }, (_, n) => Uint8Array.of(n)));
      const subtrees = new Map<string, string>();
      const tree = new GrowingTree(sha256, (height, index, hash) =>
        subtrees.set(`${height}/${index}`, hex(hash)),
      );
      tree.resume(first, subtreesOf(leaves));
      for (const leaf of leaves.slice(first)) tree.append(leaf);
      assert.equal(hex(tree.root()), hex(rootOf(sha256, leaves.length, subtreesOf(leaves))));
      for (const [name, hash] of subtrees) {
        const [height = 0, index = 0] = name.split('/').map(Number);
        assert.equal(hash, hex(subtreesOf(leaves)(height, index)), name);
      }
    }),
    { numRuns: 100 },
  );
});
