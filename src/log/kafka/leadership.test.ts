import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GroupOptions, KafkaGroup, TopicPartition } from './client.ts';
import { createLeadership } from './leadership.ts';

const TOPIC = 'twins.log';
const FIRST: readonly TopicPartition[] = [{ topic: TOPIC, partition: 0 }];

/** A group whose assignments the test makes, and what was asked of it. */
function fakeGroup() {
  const asked: string[] = [];
  let options: GroupOptions | undefined;
  const group: KafkaGroup = {
    start: async () => void asked.push('start'),
    commit: async () => assert.fail('nothing is read, so nothing is committed'),
    pause: (partitions) => void asked.push(`pause ${partitions.map((one) => one.partition)}`),
    resume: () => assert.fail('its records are never read'),
    stop: async () => void asked.push('stop'),
  };
  const client = {
    group(given: GroupOptions): KafkaGroup {
      options = given;
      return group;
    },
  };
  return {
    asked,
    client,
    assign: (partitions = FIRST) => options?.onAssigned?.(partitions),
    revoke: (partitions = FIRST) => options?.onRevoked?.(partitions),
  };
}

function leadershipOf({ client }: ReturnType<typeof fakeGroup>, troubles: unknown[] = []) {
  const onTrouble = (error: unknown): void => void troubles.push(error);
  return createLeadership({ client, topic: TOPIC, groupId: 'decider', onTrouble });
}

test('leads while the one partition is its own, and reads no record of it', async () => {
  const group = fakeGroup();
  const leadership = leadershipOf(group);
  const told: string[] = [];
  leadership.onGained(() => told.push('gained'));
  leadership.onLost(() => void told.push('lost'));
  await leadership.start();
  assert.equal(leadership.leads, false);
  await group.assign();
  assert.equal(leadership.leads, true);
  await group.revoke();
  assert.equal(leadership.leads, false);
  await group.revoke();
  await group.assign();
  await group.assign();
  assert.deepEqual(told, ['gained', 'lost', 'gained']);
  assert.deepEqual(group.asked.slice(0, 2), ['start', 'pause 0']);
});

test('an empty assignment, or one of another partition, leads nothing', async () => {
  const group = fakeGroup();
  const leadership = leadershipOf(group);
  await group.assign([]);
  await group.assign([{ topic: TOPIC, partition: 1 }]);
  assert.equal(leadership.leads, false);
});

test('who listens late is told at once', async () => {
  const group = fakeGroup();
  const leadership = leadershipOf(group);
  await group.assign();
  const told: string[] = [];
  const off = leadership.onGained(() => told.push('gained'));
  assert.deepEqual(told, ['gained']);
  off();
  await group.revoke();
  await group.assign();
  assert.deepEqual(told, ['gained']);
});

test('the group is left only when what the leader did has ended', async () => {
  const group = fakeGroup();
  const leadership = leadershipOf(group);
  await group.assign();
  const ending = Promise.withResolvers<void>();
  leadership.onLost(() => ending.promise);
  const stopped = leadership.stop();
  assert.equal(leadership.leads, false);
  assert.ok(!group.asked.includes('stop'));
  ending.resolve();
  await stopped;
  assert.ok(group.asked.includes('stop'));
});

test('a listener that throws keeps nobody from being told', async () => {
  const group = fakeGroup();
  const troubles: unknown[] = [];
  const leadership = leadershipOf(group, troubles);
  const told: string[] = [];
  leadership.onGained(() => {
    throw new Error('first');
  });
  leadership.onGained(() => told.push('gained'));
  leadership.onLost(() => Promise.reject(new Error('second')));
  leadership.onLost(() => void told.push('lost'));
  await group.assign();
  await group.revoke();
  assert.deepEqual(told, ['gained', 'lost']);
  assert.deepEqual(
    troubles.map((error) => (error as Error).message),
    ['first', 'second'],
  );
});
