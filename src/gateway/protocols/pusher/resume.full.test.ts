import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisPart, redis } from '../../../../test/support/parts.ts';
import { createRedisLink, type RedisLink } from '../../redis-link.ts';
import { RedisResume, resumeKeys } from './resume.ts';
import { resumeSuite } from './resume-suite.rig.ts';

let server: RedisPart;
let client: Redis;

before(async () => {
  server = await redis();
  client = new Redis(`redis://${server.address}`);
  await client.ping();
});
after(async () => {
  client.disconnect();
  await server.stop();
});

function link(): RedisLink {
  const linked = { client, prefix: 'suite', ready: true, onReconnected: () => undefined };
  return createRedisLink(linked, linked, (error) => assert.fail(String(error)));
}

resumeSuite('in Redis', () => {
  let now = 1_000_000;
  const store = new RedisResume(link(), { now: () => now });
  return Promise.resolve({
    store,
    later: (ms) => {
      now += ms;
    },
  });
});

test('P9: keys and values of places tell nobody of whom they are, and go by themselves', async () => {
  const of = { channel: ['one', 'private-member-demo-ana', 'ana'], session: 'device', near: '::1' };
  const keys = resumeKeys(new Uint8Array(32), of);
  const store = new RedisResume(link(), { now: () => Date.now() });
  await store.save(keys, { 'member:x': { epoch: 'e', offset: 1 } }, true);
  const all = await client.keys('suite:*');
  assert.ok(all.length >= 2);
  for (const key of all) {
    assert.ok(!/ana|device|::1/.test(key), key);
    assert.ok((await client.pttl(key)) > 0, key);
  }
});
