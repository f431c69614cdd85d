import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeepAlive } from './keep-alive.ts';

test('every stream is kept alive once in a round of sixty ticks, whoever comes and goes', () => {
  const alive = new KeepAlive();
  const heard = Array.from({ length: 130 }, () => 0);
  const streams = heard.map((_, index) => ({
    keepAlive: () => {
      heard[index] = (heard[index] ?? 0) + 1;
    },
  }));
  const releases = streams.map((stream) => alive.add(stream));
  for (let tick = 0; tick < 60; tick += 1) {
    const before = heard.reduce((sum, count) => sum + count, 0);
    alive.tick();
    assert.ok(heard.reduce((sum, count) => sum + count, 0) - before <= 3);
  }
  assert.deepEqual(new Set(heard), new Set([1]));
  for (const release of releases) release();
  for (let tick = 0; tick < 60; tick += 1) alive.tick();
  assert.deepEqual(new Set(heard), new Set([1]));
});
