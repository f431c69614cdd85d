import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CliIo, TopicsOutcome } from './io.ts';
import { run } from './rig/run.ts';

const env = { KAFKA_BROKERS: 'localhost:9092', KAFKA_TOPIC_PREFIX: 'acme.' };
const NONE: TopicsOutcome = { outcome: 'done', missing: [], drift: [], refused: [] };
const SOME: TopicsOutcome = {
  outcome: 'done',
  missing: ['acme.twins.log'],
  drift: [
    { topic: 'acme.twins.intake', config: 'retention.ms', is: '1', should: '2' },
    { topic: 'acme.rte-completion', config: 'retention.ms', is: '1', should: '2' },
  ],
  refused: [{ topic: 'acme.rte-completion', why: 'has 4 partitions and not 16' }],
};

function answering(outcome: TopicsOutcome) {
  const asked: unknown[] = [];
  const mendTopics: CliIo['mendTopics'] = async ({ topicPrefix }, action) => {
    asked.push([topicPrefix, action]);
    return outcome;
  };
  return { asked, mendTopics };
}

test('topics diff prints what is missing and how the others differ, and ends with 1', async () => {
  const { asked, mendTopics } = answering(SOME);
  const { exit, out } = await run('/nowhere', ['topics', 'diff'], { env, mendTopics });
  assert.equal(exit, 1);
  assert.match(out, /acme\.twins\.log +does not exist\n/);
  assert.match(out, /acme\.twins\.intake +retention\.ms is 1, should be 2\n/);
  assert.match(out, /acme\.rte-completion +left alone: has 4 partitions and not 16\n/);
  assert.deepEqual(asked, [['acme.', 'diff']]);
  const json = await run('/nowhere', ['topics', 'diff', '--json'], { env, mendTopics });
  const { outcome: _done, ...printed } = SOME as Extract<TopicsOutcome, { outcome: 'done' }>;
  assert.deepEqual(JSON.parse(json.out), printed);
});

test('topics apply says what it made and mended, and ends with 5 where it left one alone', async () => {
  const { asked, mendTopics } = answering(SOME);
  const { exit, out } = await run('/nowhere', ['topics', 'apply'], { env, mendTopics });
  assert.equal(exit, 5);
  assert.match(out, /acme\.twins\.log +made\n/);
  assert.match(out, /acme\.twins\.intake +retention\.ms was 1, now 2\n/);
  assert.match(out, /acme\.rte-completion +retention\.ms is 1, should be 2\n/);
  assert.deepEqual(asked, [['acme.', 'apply']]);
});

test('where nothing differs both say so and end with 0', async () => {
  for (const action of ['diff', 'apply']) {
    const { mendTopics } = answering(NONE);
    const { exit, out } = await run('/nowhere', ['topics', action], { env, mendTopics });
    assert.deepEqual([exit, out], [0, 'The topics are as this version needs them.\n']);
  }
});

test('what keeps Kafka from answering has its exit code, and the setting to look at', async () => {
  const ends = async (outcome: 'unreachable' | 'unwelcome' | 'refused') => {
    const { mendTopics } = answering({ outcome, says: 'in its own words' });
    return run('/nowhere', ['topics', 'apply'], { env, mendTopics });
  };
  const away = await ends('unreachable');
  const unwelcome = await ends('unwelcome');
  const refused = await ends('refused');
  assert.deepEqual([away.exit, unwelcome.exit, refused.exit], [4, 3, 5]);
  assert.match(away.err, /KAFKA_BROKERS/);
  assert.match(unwelcome.err, /KAFKA_SASL/);
  assert.match(refused.err, /CREATE, DESCRIBE and ALTER .*in its own words/);
});

test('without a Kafka of its own there are no topics', async () => {
  const { exit, err } = await run('/nowhere', ['topics', 'apply']);
  assert.equal(exit, 2);
  assert.match(err, /KAFKA_BROKERS/);
});
