import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createTestKit } from './test-kit/index.ts';

test('P9: what is counted names groups, topics and codes, and no event, key or member', async () => {
  const metrics = new Registry();
  const kit = await createTestKit<string>({
    ...{ group: 'billing', topics: ['words'], metrics },
    decode: ({ value }) => ({ id: `id-${value}`, type: 'word', value: `${value}` }),
    handler({ value, attempt }) {
      if (value === 'bad' || (value === 'late' && attempt === 1)) throw new Error('demo-ana');
    },
  });
  for (const value of ['good', 'good', 'late', 'bad']) await kit.send({ key: 'demo-ana', value });
  await kit.advance(5_000);
  await kit.rebalance();
  await kit.stop();
  const text = await metrics.metrics();
  for (const line of [
    'digital_twin_consumer_events_total{group="billing",topic="words",outcome="handled"} 2',
    'digital_twin_consumer_events_total{group="billing",topic="words",outcome="duplicate"} 1',
    'digital_twin_consumer_events_total{group="billing",topic="words",outcome="dead-letter"} 1',
    'digital_twin_consumer_retries_total{group="billing",topic="words"} 3',
    'digital_twin_consumer_dead_letters_total{group="billing",topic="words",reason="FAILED"} 1',
    'digital_twin_consumer_delay_seconds_count{group="billing",topic="words"} 4',
    'digital_twin_consumer_rebalances_total{group="billing"}',
    'digital_twin_consumer_in_flight{group="billing"}',
  ]) {
    assert.ok(text.includes(line), `${line} is missing in\n${text}`);
  }
  assert.doesNotMatch(text, /demo-ana|id-/);
});

test('two consumers count in one registry', async () => {
  const metrics = new Registry();
  for (const group of ['a', 'b']) {
    const kit = await createTestKit<string>({
      ...{ group, topics: ['words'], metrics },
      decode: () => ({ id: group, type: 'word', value: '' }),
      handler: () => undefined,
    });
    await kit.send({ value: 'x' });
    await kit.stop();
  }
  const text = await metrics.metrics();
  assert.match(text, /events_total\{group="a"[^\n]* 1\n/);
  assert.match(text, /events_total\{group="b"[^\n]* 1\n/);
});
