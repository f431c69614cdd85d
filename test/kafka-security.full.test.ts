import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readDocument } from './support/ask.ts';
import { cluster } from './support/cluster.ts';
import { Ledger, profileOf } from './support/ledger.ts';
import { type KafkaPart, kafka } from './support/parts.ts';

/** A company's Kafka: TLS with an authority of its own, a login, and nobody else let in. */
const USER = { name: 'twin', password: 'right:and:colons' };
const MEMBER = 'secured';

let broker: KafkaPart;

before(async () => {
  broker = await kafka({ tls: true, users: [USER] });
});
after(() => broker.stop());

/** Every mechanism and both clients; the clients' own suite has the rest of the table. */
const WAYS = [
  ['platformatic', 'PLAIN'],
  ['platformatic', 'SCRAM-SHA-512'],
  ['kafkajs', 'SCRAM-SHA-256'],
] as const;

for (const [adapter, mechanism] of WAYS) {
  test(`${adapter}: what was written over TLS with ${mechanism} can be read`, async () => {
    const login = `${mechanism}:${USER.name}:${USER.password}`;
    const prefix = `${adapter}-${mechanism.toLowerCase()}.`;
    const group = await cluster({
      ...broker.envFor('SASL_SSL', login),
      KAFKA_CLIENT: adapter,
      KAFKA_TOPIC_PREFIX: prefix,
      KAFKA_GROUP_PREFIX: prefix,
    });
    try {
      const server = await group.start();
      assert.equal(await new Ledger([MEMBER]).write(server, MEMBER), 'written');
      await server.relations('touch', `member:${MEMBER}#self@user:reader`);
      const read = await readDocument(server, await server.token('reader'), profileOf(MEMBER));
      assert.ok(read.etag);
    } finally {
      await group.stop();
    }
  });

  test(`${adapter}: a wrong password and an unknown authority end the start, and say why`, async () => {
    const right = broker.envFor('SASL_SSL', `${mechanism}:${USER.name}:${USER.password}`);
    for (const wrong of [
      { KAFKA_SASL: `${mechanism}:${USER.name}:of-somebody-else` },
      { KAFKA_TLS: 'on' },
    ]) {
      const group = await cluster({ ...right, ...wrong, KAFKA_CLIENT: adapter });
      await assert.rejects(group.start(), (error: Error) => {
        assert.match(error.message, /the server ended/);
        assert.match(error.message, /refuses who we are|KAFKA_SASL|KAFKA_TLS/);
        assert.doesNotMatch(error.message, /of-somebody-else|right:and:colons/);
        return true;
      });
    }
  });
}
