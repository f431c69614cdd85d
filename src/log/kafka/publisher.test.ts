import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../consumers/test-kit/index.ts';
import { changeAt, EPOCH, PARTITIONS, shardOf } from './publisher.testing.ts';
import { createPublisher } from './publisher.ts';
import { fakeKafka, TOPICS } from './publisher-fake.rig.ts';

function stage(kafka: ReturnType<typeof fakeKafka>) {
  const clock = createManualClock(0);
  let grown = (): void => undefined;
  let gained = (): void => undefined;
  let lost: () => void | Promise<void> = () => undefined;
  let count = 0;
  let leads = false;
  const publisher = createPublisher({
    ...{ client: kafka.client, topics: TOPICS, clock, transactionalId: 't' },
    leadership: {
      get leads() {
        return leads;
      },
      onGained(listener) {
        gained = listener;
        return () => undefined;
      },
      onLost(listener) {
        lost = listener;
        return () => undefined;
      },
    },
    view: {
      epoch: EPOCH,
      partitions: PARTITIONS,
      for: () => shardOf(Array.from({ length: count }, (_, index) => changeAt(index))),
    },
    bus: {
      subscribe(listener) {
        grown = () => listener([]);
        return () => undefined;
      },
    },
    onTrouble: () => undefined,
  });
  return {
    publisher,
    clock,
    async lead() {
      leads = true;
      gained();
      await clock.advance(0);
    },
    async lose() {
      leads = false;
      await lost();
    },
    async grow(to: number) {
      count = to;
      grown();
      // As long as a transaction lets the next one wait.
      await clock.advance(100);
    },
  };
}

test('nothing is published by who does not lead, and everything by who begins to', async () => {
  const kafka = fakeKafka();
  const { publisher, grow, lead, lose } = stage(kafka);
  await publisher.start();
  await grow(10);
  assert.deepEqual([kafka.asked, kafka.events().length], [[], 0]);
  await lead();
  assert.equal(kafka.events().length, 10);
  await grow(25);
  assert.equal(kafka.events().length, 25);
  for (const messages of kafka.transactions) {
    const of = (topic: string): number => messages.filter((one) => one.topic === topic).length;
    assert.ok(of(TOPICS.events) > 0 && of(TOPICS.publisher) > 0, 'events and places are one');
  }
  await lose();
  await grow(30);
  assert.deepEqual([kafka.asked, kafka.events().length], [['open', 'close'], 25]);
  await lead();
  assert.equal(kafka.events().length, 30);
  await publisher.stop();
});

for (const kept of [true, false]) {
  test(`a commit that fails, and was ${kept ? '' : 'not '}kept: each change is told once`, async () => {
    const kafka = fakeKafka();
    const { publisher, grow, lead, clock } = stage(kafka);
    await publisher.start();
    kafka.failures.push(() => kept);
    await lead();
    await grow(40);
    await clock.advance(1_000);
    const keys = kafka.events().map(({ value }) => value?.toString('hex'));
    assert.deepEqual([keys.length, new Set(keys).size], [40, 40]);
    assert.deepEqual(kafka.asked.slice(0, 3), ['open', 'close', 'open']);
    await publisher.stop();
  });
}
