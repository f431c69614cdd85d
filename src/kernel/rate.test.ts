import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRate } from './rate.ts';

function at(options: { perSecond: number; burst: number }) {
  let nowMs = 0;
  const rate = createRate({ monotonic: () => nowMs }, options);
  const taken = (key: string, times: number): number => {
    let count = 0;
    for (let n = 0; n < times; n += 1) if (rate.take(key)) count += 1;
    return count;
  };
  return { rate, taken, pass: (ms: number) => (nowMs += ms) };
}

test('a burst passes, then as much as a second brings; every key for itself', () => {
  const { taken, pass } = at({ perSecond: 2, burst: 5 });
  assert.equal(taken('ana', 10), 5);
  assert.equal(taken('ben', 10), 5);
  pass(499);
  assert.equal(taken('ana', 10), 0);
  pass(1);
  assert.equal(taken('ana', 10), 1);
  pass(60_000);
  assert.equal(taken('ana', 10), 5);
});

test('whatever the rhythm, no more passes than the burst and what the time brings', () => {
  const step = fc.record({ ms: fc.nat(2_000), tries: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 50 }), (steps, perSecond) => {
      const { taken, pass } = at({ perSecond, burst: 10 });
      let passed = 0;
      let elapsedMs = 0;
      for (const { ms, tries } of steps) {
        pass(ms);
        elapsedMs += ms;
        passed += taken('ana', tries);
      }
      assert.ok(passed <= 10 + (elapsedMs / 1000) * perSecond + 1e-6);
    }),
  );
});

test('a key that was forgotten among many begins anew, and the others keep their count', () => {
  const { rate, taken } = at({ perSecond: 0, burst: 1 });
  assert.equal(taken('first', 2), 1);
  for (let n = 0; n < 20_000; n += 1) rate.take(`key ${n}`);
  assert.equal(taken('key 19999', 1), 0);
  assert.equal(taken('first', 1), 1);
});
