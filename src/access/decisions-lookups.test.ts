import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LookupCache } from './decisions-lookups.ts';

let nowMs = 0;
const cacheOf = () => new LookupCache({ ttlMs: 2_000, now: () => nowMs });

test('a look-up is kept for its time only, from when it was asked', () => {
  const cache = cacheOf();
  cache.put('k', ['a'], cache.generation, nowMs);
  nowMs += 1_999;
  assert.deepEqual(cache.get('k'), ['a']);
  nowMs += 1;
  assert.equal(cache.get('k'), undefined);
});

test('a change of relations ends every look-up, and those under way are not kept', () => {
  const cache = cacheOf();
  cache.put('k', ['a'], cache.generation, nowMs);
  const { generation } = cache;
  cache.clear();
  cache.put('late', ['b'], generation, nowMs);
  assert.equal(cache.get('k'), undefined);
  assert.equal(cache.get('late'), undefined);
});

test('entries and their lengths are bounded', () => {
  const cache = cacheOf();
  cache.put('long', Array(2_001).fill('a'), cache.generation, nowMs);
  assert.equal(cache.get('long'), undefined);
  for (let i = 0; i <= 1_000; i += 1) cache.put(String(i), ['a'], cache.generation, nowMs);
  assert.equal(cache.get('0'), undefined);
  assert.deepEqual(cache.get('1000'), ['a']);
});
