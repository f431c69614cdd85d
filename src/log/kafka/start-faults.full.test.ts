import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import type { KafkaSettings } from '../room-parts.ts';
import { kafkaFaults } from './start-faults.ts';

test('every topic that is missing is named at once, and a Kafka that is away', async () => {
  const { address, prefix } = await sharedKafka();
  const settings: KafkaSettings = {
    client: 'platformatic',
    topicPrefix: `${prefix}none.`,
    groupPrefix: prefix,
    brokers: [address],
  };
  const faults = await kafkaFaults(settings, false);
  assert.ok(faults.length > 10, `${faults.length} topics`);
  for (const { part, what, mend } of faults) {
    assert.ok(part.startsWith(`${prefix}none.`));
    assert.deepEqual([what, mend], ['does not exist', 'digital-twin topics apply']);
  }
  assert.deepEqual(await kafkaFaults(settings, true), [], 'where they are made at start');
  const away = await kafkaFaults({ ...settings, brokers: ['127.0.0.1:1'] }, false);
  assert.deepEqual(
    away.map(({ part }) => part),
    ['KAFKA_BROKERS'],
  );
});
