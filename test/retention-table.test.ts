import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deadLetterTopic, TOPIC_ROWS, topicSpecs } from '../src/log/kafka/topics.ts';
import { TOMBSTONE_RETENTION_MS } from '../src/twin/retention.ts';
import { RETENTION } from '../src/twin/retention-table.ts';

const DAY_MS = 86_400_000;
const DOC = readFileSync(new URL('../docs/retention.md', import.meta.url), 'utf8');
const byStore = new Map(RETENTION.map((row) => [row.store, row]));

test('B-RT-6: each topic is kept as the retention table says, and no topic is missing there', () => {
  const specs = topicSpecs({ prefix: '', partitions: 1, replication: 1 });
  for (const { topic, configs } of specs) {
    const row = byStore.get(topic.endsWith('.dlq') ? '<topic>.dlq' : topic);
    assert.ok(row, topic);
    assert.equal(row.by, 'kafka', topic);
    const { 'cleanup.policy': policy, 'retention.ms': ms = '' } = configs;
    const kept = policy === 'compact' ? 'the last of each key' : `P${Number(ms) / DAY_MS}D`;
    assert.equal(row.kept, kept, topic);
    if (policy === 'compact') {
      assert.equal(configs['delete.retention.ms'], String(TOMBSTONE_RETENTION_MS), topic);
    }
  }
  const topics = new Set([...Object.keys(TOPIC_ROWS), deadLetterTopic('<topic>')]);
  const rows = RETENTION.filter(({ by }) => by === 'kafka').map(({ store }) => store);
  assert.deepEqual(
    rows.filter((store) => !topics.has(store)),
    [],
  );
  assert.equal(byStore.size, RETENTION.length, 'a store stands once');
});

test('B-RT-6: docs/retention.md is the retention table, row by row', () => {
  const lines = DOC.split('\n').filter((line) => line.startsWith('| `'));
  const wanted = RETENTION.map(
    ({ store, holds, kept, by, afterForget }) =>
      `| \`${store}\` | ${holds} | ${kept} | ${by} | ${afterForget === '' ? 'nothing' : afterForget} |`,
  );
  assert.deepEqual(lines, wanted);
});
