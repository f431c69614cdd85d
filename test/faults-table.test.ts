import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Faults of the security reference, §5, that real processes are put through, by their number. */
const FAULTS: readonly (readonly [number, string])[] = [
  [1, 'a broker is killed in the middle'],
  [2, 'all brokers are away'],
  [3, 'a producer is killed between what it does'],
  [4, 'SpiceDB is stopped, or killed'],
  [5, 'SpiceDB is slow, or its connections are half open'],
  [6, 'Watch is silent'],
  [7, 'a right is revoked under 100 events a second'],
  [8, 'a grant ends while somebody listens'],
  [9, 'a token ends while somebody listens'],
  [10, 'the issuer of tokens is away, hangs, or has new keys'],
  [11, 'Redis is emptied, or away'],
  [12, 'a subscriber reads nothing'],
  [13, 'a message that nobody can handle'],
  [14, 'duplicates, another order, an owner that is none any more'],
  [15, 'clocks jump'],
  [16, 'no room on the disk'],
  [17, 'kill -9 amid imports and reads'],
  [18, 'a log that is damaged'],
  [19, 'SIGTERM under load'],
  [20, 'a node is killed under its sessions'],
  [21, 'one rebalance after the other'],
];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NAME = /\b(?:test|it)\(\s*['"`](.*)/g;

/** `F3, F20: the deciding instance …` and `B-MC-21: F20: …` name the fault in front of a colon. */
function faultsIn(name: string): number[] {
  const [, heads = ''] = /^((?:[A-Z][A-Z0-9-]*(?:, )?)+(?:: F\d+(?:, F\d+)*)?):/.exec(name) ?? [];
  return [...heads.matchAll(/\bF(\d+)\b/g)].map(([, number]) => Number(number));
}

const named = new Map<number, string[]>();
for (const file of globSync('{src,test}/**/*.full.test.ts', { cwd: ROOT })) {
  for (const [, name = ''] of readFileSync(`${ROOT}${file}`, 'utf8').matchAll(NAME)) {
    for (const fault of faultsIn(name)) named.set(fault, [...(named.get(fault) ?? []), file]);
  }
}

test('a fault is named in front of a colon', () => {
  assert.deepEqual(faultsIn('F3, F20: the deciding instance is killed'), [3, 20]);
  assert.deepEqual(faultsIn('P3, F11: told by one instance'), [11]);
  assert.deepEqual(faultsIn('B-MC-21: F20: after kill -9'), [20]);
  assert.deepEqual(faultsIn('P10: it says F7: nothing'), []);
  assert.deepEqual(faultsIn('it says F7'), []);
});

for (const [number, says] of FAULTS) {
  test(`fault F${number}, ${says}, is put to real processes`, () => {
    assert.ok((named.get(number) ?? []).length > 0, 'no test of the full tier names it');
  });
}
