import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import { kafka, sharedKafka } from '../../../test/support/parts.ts';
import type { KafkaSettings } from '../room-parts.ts';
import { createKafkaClient } from './create.ts';
import { kafkaFaults } from './start-faults.ts';
import { topicNames, topicSpecs } from './topics.ts';

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

test('each topic that we may not read or write is named, with the command that mends it', async (t) => {
  const user = { name: 'twin', password: 'pw' };
  const part = await kafka({ users: [user], acls: true });
  t.after(() => part.stop());
  const prefix = 'acme.';
  const names = topicNames(prefix);
  const all = createKafkaClient({ brokers: [part.address], clientId: 'all' }, 'platformatic');
  await all.admin.create(topicSpecs({ prefix, partitions: 16, replication: 1 }));
  assert.deepEqual(await faultsAt({ brokers: [part.address] }), [], 'who may everything');
  await all.close();
  const { READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS } = AclOperations;
  await allow(part.address, prefix, [DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE]);
  const { name: username, password } = user;
  const sasl = { mechanism: 'SCRAM-SHA-256', username, password } as const;
  const ours = { brokers: [part.addresses.SASL_PLAINTEXT ?? ''], sasl };
  for (const client of ['platformatic', 'kafkajs'] as const) {
    assert.deepEqual(await faultsAt({ ...ours, client }), [], client);
  }
  await allow(part.address, names.intake, [WRITE], AclPermissionTypes.DENY);
  await allow(part.address, names.decider, [READ, WRITE], AclPermissionTypes.DENY);
  await allow(part.address, names.log, [WRITE], AclPermissionTypes.DENY);
  for (const client of ['platformatic', 'kafkajs'] as const) {
    const faults = await faultsAt({ ...ours, client });
    const told = faults.map(({ part: topic, what }) => `${topic} ${what}`).sort();
    assert.deepEqual(told, [
      'acme.twins.decider does not let us READ and WRITE',
      'acme.twins.intake does not let us WRITE',
      'acme.twins.intake.dlq does not let us WRITE',
    ]);
    assert.match(
      faults[0]?.mend ?? '',
      /^kafka-acls --add .* --operation .* --topic acme\.twins\./,
    );
  }

  function faultsAt(more: Partial<KafkaSettings>) {
    const settings = { client: 'platformatic', topicPrefix: prefix, groupPrefix: prefix } as const;
    return kafkaFaults({ ...settings, brokers: [], ...more }, false);
  }
});

async function allow(
  address: string,
  resourceName: string,
  operations: readonly (typeof AclOperations)[keyof typeof AclOperations][],
  permissionType: (typeof AclPermissionTypes)[keyof typeof AclPermissionTypes] = AclPermissionTypes.ALLOW,
): Promise<void> {
  const admin = new Admin({ bootstrapBrokers: [address], clientId: 'acls' });
  await admin.createAcls({
    creations: operations.map((operation) => ({
      resourceType: ResourceTypes.TOPIC,
      resourceName,
      resourcePatternType: ResourcePatternTypes.PREFIXED,
      principal: 'User:twin',
      host: '*',
      operation,
      permissionType,
    })),
  });
  await admin.close();
}
