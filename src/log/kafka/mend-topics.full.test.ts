import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { until } from './client-suite.rig.ts';
import { createKafkaClient } from './create.ts';
import { readLogIdentity } from './log-identity.ts';
import { mendTopics } from './mend-topics.ts';
import { topicNames, topicSpecs } from './topics.ts';

const LIMIT = { timeout: 120_000 };

test('the topics of a Kafka are compared, made, and say which log they are', LIMIT, async (t) => {
  const { address, prefix: topicPrefix } = await sharedKafka();
  const kafka = { brokers: [address], topicPrefix, groupPrefix: '' };
  const names = topicSpecs({ prefix: topicPrefix, partitions: 1, replication: 1 }).map(
    ({ topic }) => topic,
  );
  const client = createKafkaClient({ ...kafka, clientId: 'test' }, 'platformatic');
  t.after(async () => {
    await client.admin.remove(names);
    await client.close();
  });
  for (const library of ['platformatic', 'kafkajs'] as const) {
    const settings = { ...kafka, client: library };
    const expected = library === 'platformatic' ? names : [];
    const before = await mendTopics(settings, 'diff');
    assert.ok(before.outcome === 'done');
    assert.deepEqual(before, { outcome: 'done', missing: expected, drift: [], refused: [] });
    assert.deepEqual(await mendTopics(settings, 'apply'), before);
    const after = await mendTopics(settings, 'diff');
    assert.deepEqual(after, { outcome: 'done', missing: [], drift: [], refused: [] });
    const identity = await readLogIdentity(client, topicNames(topicPrefix));
    assert.equal(identity?.partitions, 16);
    const topic = `${topicPrefix}twins.intake`;
    await client.admin.alterConfigs(topic, { 'retention.ms': '1000' });
    const is = async (drifts: number): Promise<boolean> => {
      const found = await mendTopics(settings, 'diff');
      return found.outcome === 'done' && found.drift.length === drifts;
    };
    // A broker describes a topic as it was until the controller's news has come.
    await until(() => is(1));
    const drifted = await mendTopics(settings, 'apply');
    assert.ok(drifted.outcome === 'done');
    assert.deepEqual(
      drifted.drift.map(({ config, is }) => [config, is]),
      [['retention.ms', '1000']],
    );
    await until(() => is(0));
  }
});
