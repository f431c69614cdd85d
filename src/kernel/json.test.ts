import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CanonicalText, canonicalJson, isDeeperThan, isObject } from './json.ts';

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

/** RFC 8785 §3.2.3 to the letter, and slowly. */
function reference(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => reference(one ?? null)).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value ?? null);
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${reference(value[key])}`)
    .join(',')}}`;
}

test('canonical JSON is what RFC 8785 says, whatever the keys and their order', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      assert.equal(canonicalJson(value), reference(value));
    }),
  );
  const keys = {
    10: 1,
    9: 2,
    '\u20ac': 3,
    '\ud83d\ude00': 4,
    '\r': 5,
    gone: undefined,
    __proto__: 6,
  };
  assert.equal(canonicalJson(keys), reference(keys));
  assert.equal(
    canonicalJson([undefined, -0, new CanonicalText({ b: 1, a: [] })]),
    '[null,0,{"a":[],"b":1}]',
  );
});
