import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisPart, redis } from '../../../test/support/parts.ts';
import { redisLink, type TestLink } from '../../../test/support/redis-link.ts';
import { sleep, systemClock } from '../../kernel/clock.ts';
import { Instances } from './instances.ts';
import { RedisPresence } from './redis-presence.ts';
import { RedisRegistry } from './redis-registry.ts';

const TIMES = { beatMs: 100, aliveMs: 500 };
const GRACE_MS = 300;

let store: RedisPart;
let admin: Redis;
const links: TestLink[] = [];
const stops: (() => Promise<void>)[] = [];

before(async () => {
  store = await redis();
  admin = new Redis(`redis://${store.address}`);
});
after(async () => {
  for (const stop of stops.toReversed()) await stop();
  for (const link of links) await link.stop();
  admin.disconnect();
  await store.stop();
});

/** One instance of the gateway, as far as presence and registry go. */
async function instance(prefix: string) {
  const made = await redisLink(prefix, store.address);
  links.push(made);
  const parts = { redis: made.link, clock: systemClock, report: () => undefined };
  const instances = new Instances({ ...parts, times: TIMES });
  const presence = new RedisPresence({ ...parts, instances, graceMs: GRACE_MS });
  const registry = new RedisRegistry(made.link, instances);
  const told: string[] = [];
  presence.onChange(({ channel, kind, user }) => told.push(`${channel} ${kind} ${user.id}`));
  await presence.start();
  await instances.start();
  stops.push(() => instances.stop());
  // Killed: it neither beats nor takes back what it holds.
  const kill = () => instances.stop();
  return { presence, registry, told, kill, id: instances.id };
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, what);
    await sleep(10);
  }
}

test('B-GW-8: T16 over two instances each change is told once, everywhere, and a flap not at all', async () => {
  const [one, two] = [await instance('t16'), await instance('t16')];
  await sleep(50);
  await one.presence.join('c', { id: 'ana', info: { n: 1 } }, '1.1', 100);
  const there = await two.presence.join('c', { id: 'ana' }, '2.1', 100);
  assert.deepEqual(there, [{ id: 'ana', info: { n: 1 } }]);
  await two.presence.join('c', { id: 'ben' }, '2.2', 100);
  await one.presence.leave('c', '1.1');
  await sleep(2 * GRACE_MS + 200);
  await two.presence.leave('c', '2.1');
  await sleep(GRACE_MS / 3);
  await one.presence.join('c', { id: 'ana' }, '1.2', 100);
  await sleep(2 * GRACE_MS + 200);
  const expected = ['c member_added ana', 'c member_added ben'];
  assert.deepEqual([one.told, two.told], [expected, expected]);
  await one.presence.leave('c', '1.2');
  await until(() => two.told.length > 2, 'member_removed');
  await sleep(500);
  assert.deepEqual(one.told, [...expected, 'c member_removed ana']);
  assert.deepEqual(two.told, one.told);
});

test('T16 a hundred and first user is not let in, a second connection of one of them is', async () => {
  const [one, two] = [await instance('full'), await instance('full')];
  for (let n = 0; n < 100; n += 1) await one.presence.join('c', { id: `u${n}` }, `1.${n}`, 100);
  await assert.rejects(two.presence.join('c', { id: 'u100' }, '2.1', 100), {
    code: 'RATE_LIMITED',
  });
  assert.equal((await two.presence.join('c', { id: 'u7' }, '2.2', 100)).length, 100);
});

test('B-GW-8: of an instance that is killed everybody goes, once, and its connections too', async () => {
  const [one, two] = [await instance('killed'), await instance('killed')];
  await sleep(50);
  await two.presence.join('c', { id: 'ana' }, '2.1', 100);
  await one.presence.join('c', { id: 'ben' }, '1.1', 100);
  await two.presence.join('c', { id: 'ben' }, '2.2', 100);
  await two.registry.add('member:ana', '2.1');
  await one.registry.add('member:ana', '1.1');
  assert.equal((await one.registry.connections('member:ana')).length, 2);
  await two.kill();
  await until(() => one.told.includes('c member_removed ana'), 'ana is gone');
  await sleep(600);
  assert.equal(one.told.filter((said) => said.includes('removed')).length, 1, 'ben is still there');
  assert.deepEqual(await one.registry.connections('member:ana'), [
    { connection: '1.1', instance: one.id },
  ]);
  const entries = await admin.zrange('killed:ws:member:ana', '0', '-1');
  assert.deepEqual(entries, [`${one.id}/1.1`]);
  assert.ok((await admin.pttl('killed:ws:member:ana')) <= 24 * 3_600_000);
});

test('B-GW-8: T18 after Redis has lost everything, who is there is there again', async () => {
  const one = await instance('lost');
  await one.presence.join('c', { id: 'ana' }, '1.1', 100);
  await one.registry.add('member:ana', '1.1');
  await admin.flushall();
  await until(async () => (await one.presence.users('c')).length === 1, 'ana again');
  await until(
    async () => (await one.registry.connections('member:ana')).length === 1,
    'her connection again',
  );
});

test('P9: keys of presence and registry hold opaque ids alone, and each has its end', async () => {
  const one = await instance('keys');
  await one.presence.join('member:m1', { id: 'ana', info: { name: 'Ana Example' } }, '1.1', 100);
  await one.registry.add('member:m1', '1.1');
  for (const key of await admin.keys('keys:*')) {
    assert.doesNotMatch(key, /Example|ana/);
    if (key.endsWith(':instances') || key.endsWith('presence-due')) continue;
    assert.ok((await admin.pttl(key)) > 0, key);
  }
});
