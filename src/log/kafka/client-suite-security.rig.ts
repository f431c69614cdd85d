import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { type KafkaPart, kafka } from '../../../test/support/parts.ts';
import type { KafkaConnection } from './client.ts';
import { clientOf } from './client-suite.rig.ts';
import type { KafkaAdapter } from './create.ts';

const USER = { name: 'twin', password: 'p:a ss' };
const TOPIC = 'secured';

type Sasl = NonNullable<KafkaConnection['sasl']>;

/** On a broker with TLS and users. */
export function securitySuite(which: KafkaAdapter): void {
  let part: KafkaPart;

  before(async () => {
    part = await kafka({ tls: true, users: [USER] });
    const client = clientOf(which, { brokers: [part.address] });
    await client.admin.create([{ topic: TOPIC, partitions: 1, replication: 1, configs: {} }]);
    await client.close();
  });

  after(() => part.stop());

  const ca = (): string => readFileSync(part.certificates?.ca ?? '', 'utf8');
  const sasl = (mechanism: Sasl['mechanism'], password = USER.password): Sasl => ({
    ...{ mechanism, username: USER.name, password },
  });

  it('writes by TLS to who shows a certificate of the authority', async () => {
    const brokers = [part.addresses.SSL ?? ''];
    assert.equal(await written(which, { brokers, tls: { ca: ca() } }), true);
  });

  it('says nothing to who shows another certificate', async () => {
    const brokers = [part.addresses.SSL ?? ''];
    await assert.rejects(written(which, { brokers, tls: {} }), { name: 'Unwelcome' });
  });

  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    it(`says who it is by ${mechanism}, with and without TLS`, async () => {
      const plain = { brokers: [part.addresses.SASL_PLAINTEXT ?? ''], sasl: sasl(mechanism) };
      assert.equal(await written(which, plain), true);
      const brokers = [part.addresses.SASL_SSL ?? ''];
      const secured = { brokers, tls: { ca: ca() }, sasl: sasl(mechanism) };
      assert.equal(await written(which, secured), true);
    });

    it(`is refused with a wrong password by ${mechanism}, at once`, async () => {
      const brokers = [part.addresses.SASL_PLAINTEXT ?? ''];
      const wrong = { brokers, sasl: sasl(mechanism, 'wrong') };
      await assert.rejects(written(which, wrong), { name: 'Unwelcome' });
    });
  }
}

async function written(
  which: KafkaAdapter,
  connection: Partial<KafkaConnection>,
): Promise<boolean> {
  const client = clientOf(which, connection);
  try {
    const producer = client.producer();
    await producer.open();
    await producer.send([{ topic: TOPIC, key: null, value: Buffer.from('v'), partition: 0 }]);
    return true;
  } finally {
    await client.close();
  }
}
