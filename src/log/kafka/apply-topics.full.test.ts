import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { applyTopics, checkTopics, compareTopics } from './apply-topics.ts';
import type { KafkaClient, TopicSpec } from './client.ts';
import { until } from './client-suite.rig.ts';
import { createKafkaClient } from './create.ts';
import { ensureLogIdentity, readLogIdentity } from './log-identity.ts';
import { topicNames, topicSpecs } from './topics.ts';

const CLOSE = { timeout: 60_000 };

describe('the topics of a cluster', CLOSE, () => {
  let client: KafkaClient;
  let prefix: string;
  let specs: TopicSpec[];

  before(async () => {
    const shared = await sharedKafka();
    prefix = shared.prefix;
    client = createKafkaClient({ brokers: [shared.address], clientId: 'topics' }, 'platformatic');
    specs = topicSpecs({ prefix, partitions: 2, replication: 1 });
  });

  after(async () => {
    await client.admin.remove(specs.map(({ topic }) => topic));
    await client.close();
  });

  it('are named as faults of the start before they are made', async () => {
    const faults = await checkTopics(client.admin, specs);
    assert.equal(faults.length, specs.length);
    assert.deepEqual(faults[0], {
      topic: `${prefix}twins.intake`,
      what: 'does not exist',
      mend: 'digital-twin topics apply',
    });
  });

  it('are made once, as the table says, and the second time nothing is done', async () => {
    const first = await applyTopics(client.admin, specs);
    assert.deepEqual([...first.created].sort(), specs.map(({ topic }) => topic).sort());
    assert.deepEqual([first.changed, first.drift, first.refused], [[], [], []]);
    const second = await applyTopics(client.admin, specs);
    assert.deepEqual(second, { created: [], changed: [], drift: [], refused: [] });
    assert.deepEqual(await checkTopics(client.admin, specs), []);
    const [sources] = await client.admin.describe([`${prefix}twins.sources`]);
    assert.equal(sources?.partitions, 2);
    assert.equal(sources?.configs['cleanup.policy'], 'compact');
    assert.equal(sources?.configs['delete.retention.ms'], String(30 * 86_400_000));
  });

  it('may be made by several at a time', async () => {
    const topic = `${prefix}by-several`;
    const spec = { topic, partitions: 1, replication: 1, configs: {} };
    await Promise.all([1, 2, 3].map(() => client.admin.create([spec])));
    await client.admin.create([spec]);
    await client.admin.remove([topic]);
  });

  it('that drifted are reported with what is and what should be, and mended', async () => {
    const topic = `${prefix}twins.intake`;
    await client.admin.alterConfigs(topic, { 'retention.ms': '1000', 'max.message.bytes': '1000' });
    await until(async () => (await compareTopics(client.admin, specs)).drift.length === 2);
    const drift = [
      { topic, config: 'retention.ms', is: '1000', should: String(30 * 86_400_000) },
      { topic, config: 'max.message.bytes', is: '1000', should: '1048576' },
    ];
    const compared = await compareTopics(client.admin, specs);
    assert.deepEqual(compared, { missing: [], drift, refused: [] });
    const faults = await checkTopics(client.admin, specs);
    assert.deepEqual(
      faults.map(({ what }) => what),
      ['has max.message.bytes 1000 and needs 1048576'],
    );
    const applied = await applyTopics(client.admin, specs);
    assert.deepEqual(applied, { created: [], changed: [topic], drift, refused: [] });
    await until(async () => (await compareTopics(client.admin, specs)).drift.length === 0);
  });

  it('keep their number of partitions: another number is refused, and changes nothing', async () => {
    const more = topicSpecs({ prefix, partitions: 4, replication: 1 });
    const { created, changed, refused } = await applyTopics(client.admin, more);
    assert.deepEqual([created, changed], [[], []]);
    assert.equal(refused.length, more.filter(({ partitions }) => partitions === 4).length);
    assert.match(refused[0]?.why ?? '', /has 2 partitions and not 4/);
    const [sources] = await client.admin.describe([`${prefix}twins.sources`]);
    assert.equal(sources?.partitions, 2);
  });

  it('say once which log they are, whoever asks and however many at a time', async () => {
    const names = topicNames(prefix);
    assert.equal(await readLogIdentity(client, names), undefined);
    const said = await Promise.all([2, 2, 2].map((count) => sayOrNot(client, names, count)));
    const read = await readLogIdentity(client, names);
    assert.match(read?.epoch ?? '', /^[a-z2-7]{8}$/);
    for (const identity of said) if (identity) assert.deepEqual(identity, read);
    assert.deepEqual(await ensureLogIdentity(client, names, 64), read);
  });
});

/** Of several at a time one may be fenced before anybody has said anything. */
async function sayOrNot(client: KafkaClient, names: { log: string }, partitions: number) {
  return ensureLogIdentity(client, names, partitions).catch((error: Error) => {
    assert.equal(error.name, 'Fenced');
  });
}
