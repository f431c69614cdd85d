import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeeperThan } from './json.ts';

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let n = 0; n < depth; n += 1) value = n % 2 === 0 ? [value, 'x'] : { value, more: null };
  return value;
};

test('depth is counted over arrays and objects, to any depth, and width does not count', () => {
  for (const depth of [0, 1, 5, 64]) {
    assert.equal(isDeeperThan(nested(depth), depth), false, `${depth}`);
    if (depth > 0) assert.equal(isDeeperThan(nested(depth), depth - 1), true, `${depth}`);
  }
  assert.equal(isDeeperThan(nested(100_000), 64), true);
  assert.equal(isDeeperThan(Array(300_000).fill([1]), 2), false);
});
