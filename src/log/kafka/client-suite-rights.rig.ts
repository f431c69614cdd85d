import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import { type KafkaPart, kafka } from '../../../test/support/parts.ts';
import { clientOf, groundOf, until } from './client-suite.rig.ts';
import type { KafkaAdapter } from './create.ts';

const USER = { name: 'twin', password: 'pw' };
const PREFIX = 'acme.';
const { TOPIC, GROUP, TRANSACTIONAL_ID } = ResourceTypes;
const { READ, WRITE, DESCRIBE } = AclOperations;

/** On a broker that allows nothing but what an ACL allows. */
export function rightsSuite(which: KafkaAdapter): void {
  let part: KafkaPart;

  before(async () => {
    part = await kafka({ users: [USER], acls: true });
    await allow(part.address);
  });

  after(() => part.stop());

  it('needs no right but those of its prefix: topics, groups, transactional ids', async () => {
    const name = `${PREFIX}rights`;
    const everything = clientOf(which, { brokers: [part.address] });
    await everything.admin.create([{ topic: name, partitions: 1, replication: 1, configs: {} }]);
    await everything.close();
    const address = part.addresses.SASL_PLAINTEXT ?? '';
    const { name: username, password } = USER;
    const sasl = { mechanism: 'SCRAM-SHA-256', username, password } as const;
    const client = clientOf(which, { brokers: [address], sasl, clientId: `${PREFIX}twin` });
    try {
      const { message, follow } = groundOf(client, address, name, 1);
      const producer = client.producer({ transactionalId: name });
      await producer.open();
      const transaction = await producer.begin();
      await transaction.send([message('k', 'v')]);
      await transaction.commit();
      const plain = client.producer();
      await plain.open();
      await plain.send([message('k', 'w')]);
      const following = await follow();
      await following.settled();
      assert.deepEqual(following.values(), ['v', 'w']);
      assert.deepEqual(following.troubles, []);
      let seen = 0;
      const group = client.group({
        groupId: name,
        topics: [name],
        onRecords: async (records) => {
          seen += records.length;
        },
        onTrouble: () => undefined,
      });
      await group.start();
      await until(() => seen === 2);
      await group.commit([{ topic: name, partition: 0, offset: 3 }]);
      await group.stop();
    } finally {
      await client.close();
    }
  });
}

async function allow(address: string): Promise<void> {
  const admin = new Admin({ bootstrapBrokers: [address], clientId: 'acls' });
  const rights = [
    [TOPIC, [READ, WRITE, DESCRIBE]],
    [GROUP, [READ]],
    [TRANSACTIONAL_ID, [WRITE, DESCRIBE]],
  ] as const;
  await admin.createAcls({
    creations: rights.flatMap(([resourceType, operations]) =>
      operations.map((operation) => ({
        resourceType,
        resourceName: PREFIX,
        resourcePatternType: ResourcePatternTypes.PREFIXED,
        principal: `User:${USER.name}`,
        host: '*',
        operation,
        permissionType: AclPermissionTypes.ALLOW,
      })),
    ),
  });
  await admin.close();
}
