import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Comparison } from './comparison.ts';

test('B-GW-41: what came both ways is matched by name and bytes, and its latencies are told', () => {
  const comparison = new Comparison(0);
  const call = { name: 'join_call', data: '{"a":1}' };
  for (let n = 0; n < 100; n += 1) {
    const data = JSON.stringify({ n });
    comparison.add('gateway', { ...call, data, at: n * 100 + 5, happenedAt: n * 100 });
    comparison.add('pusher', { ...call, data, at: n * 100 + (n === 99 ? 900 : 60) });
  }
  const { both, latencyMs, onlyGateway, onlyPusher } = comparison.report(100_000, 5_000);
  assert.deepEqual([both, onlyGateway, onlyPusher], [100, 0, 0]);
  assert.deepEqual(latencyMs, { gateway: { p50: 5, p99: 5 }, pusher: { p50: 60, p99: 60 } });
});

test('B-GW-41: what came by one way alone was lost by the other, what came twice was repeated', () => {
  const comparison = new Comparison(0);
  const add = (path: 'gateway' | 'pusher', name: string, data: string, at = 0): void => {
    comparison.add(path, { name, data, at });
  };
  add('gateway', 'join_call', 'x');
  add('pusher', 'join_call', 'y');
  add('pusher', 'call_ended', 'x');
  for (const path of ['gateway', 'pusher', 'pusher'] as const) add(path, 'call_accepted', 'x');
  // The same said twice by its producer came twice by both.
  for (const path of ['gateway', 'pusher', 'gateway', 'pusher'] as const) add(path, 'again', 'x');
  add('pusher', 'late', 'x', 6_000);
  const report = comparison.report(10_000, 5_000);
  assert.deepEqual(report, {
    ...{ from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:00:10.000Z' },
    ...{ both: 3, onlyGateway: 1, onlyPusher: 2, repeated: { gateway: 0, pusher: 1 } },
    latencyMs: {},
  });
});
