import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Redis } from 'ioredis';
import { redisUrl } from '../src/config/redis.ts';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import { connectRedis, type RedisConnection } from '../src/operations/redis.ts';
import { createRedisFloors } from '../src/operations/redis-floors.ts';
import { redisProbe } from '../src/operations/start-probes.ts';
import type { FloorStore } from '../src/twin/shared-floors.ts';
import { type RedisPart, redis } from './support/parts.ts';

/** F11: floors over a real Redis, which is flushed, killed, stopped and started again. */
const TTL_MS = 600;
/** 22 characters, as keys are; the first byte picks the group. */
const KEY = `A${'b'.repeat(21)}`;
const OTHER = `Q${'b'.repeat(21)}`;

let server: RedisPart;
let instances: { redis: RedisConnection; floors: FloorStore }[];
let reported: string[];
let admin: Redis;

async function instance(options: { epoch?: string; prefix?: string } = {}) {
  const { epoch = 'epoch-01', prefix = 'test' } = options;
  const settings = { ...redisUrl(`redis://${server.address}`), prefix };
  const report = (error: unknown) => reported.push(String(error));
  const connection = connectRedis({ settings, report });
  await connection.start();
  const made = {
    redis: connection,
    floors: createRedisFloors({
      ...{ redis: connection, clock: systemClock, epoch: () => epoch, ttlMs: TTL_MS },
    }),
  };
  instances.push(made);
  return made;
}

/** Two instances that trust what is there. */
async function settledPair() {
  const pair = [await instance(), await instance()] as const;
  for (const { floors } of pair) await trusted(floors);
  return pair;
}

async function trusted(floors: FloorStore): Promise<void> {
  while ([await floors.of(KEY), await floors.of(OTHER)].includes('unknown')) await sleep(20);
}

before(async () => {
  server = await redis();
  admin = new Redis(`redis://${server.address}`);
  admin.on('error', () => undefined);
});
after(async () => {
  admin.disconnect();
  await server.stop();
});
beforeEach(() => {
  instances = [];
  reported = [];
});
afterEach(async () => {
  for (const { redis: connection } of instances) await connection.stop();
  await admin.flushall();
});

test('P3: what one instance raised the other sees; it only rises, and goes with its time', async () => {
  const [one, two] = await settledPair();
  assert.equal(await two.floors.of(KEY), undefined);
  await one.floors.raise(KEY, { partition: 3, offset: 10 });
  await two.floors.raise(KEY, { partition: 3, offset: 9 });
  assert.deepEqual(await two.floors.of(KEY), { partition: 3, offset: 10 });
  await two.floors.raise(KEY, { partition: 3, offset: 1_000_000 });
  assert.deepEqual(await one.floors.of(KEY), { partition: 3, offset: 1_000_000 });
  const foreign = await instance({ epoch: 'epoch-02' });
  const elsewhere = await instance({ prefix: 'other' });
  await trusted(elsewhere.floors);
  assert.equal(await foreign.floors.of(KEY), undefined, 'of another log');
  assert.equal(await elsewhere.floors.of(KEY), undefined, 'of another deployment');
  while ((await one.floors.of(KEY)) !== undefined) await sleep(20);
});

test('F11: after FLUSHALL the answer is unknown, on every instance, as long as floors stand', async () => {
  const [one, two] = await settledPair();
  await one.floors.raise(KEY, { partition: 3, offset: 10 });
  await one.floors.raise(OTHER, { partition: 3, offset: 10 });
  await admin.flushall();
  const began = performance.now();
  assert.equal(await two.floors.of(KEY), 'unknown');
  assert.equal(await one.floors.of(KEY), 'unknown', 'though the other one has set a mark again');
  assert.equal(await two.floors.of(OTHER), 'unknown');
  while ((await two.floors.of(KEY)) === 'unknown') await sleep(20);
  assert.ok(performance.now() - began >= TTL_MS);
  await two.floors.raise(KEY, { partition: 3, offset: 11 });
  while ((await one.floors.of(KEY)) === 'unknown') await sleep(20);
});

test('F11: while Redis is away or answers nothing, the answer is unknown, soon', async () => {
  const [one, two] = await settledPair();
  await server.kill();
  for (const { floors } of [one, two]) {
    await floors.raise(KEY, { partition: 3, offset: 12 });
    assert.equal(await floors.of(KEY), 'unknown');
  }
  assert.ok(!one.redis.ready);
  await server.restart();
  while (!one.redis.ready || !two.redis.ready) await sleep(20);
  assert.equal(await two.floors.of(KEY), 'unknown', 'it may have come back with older data');
  await trusted(two.floors);
  await trusted(one.floors);
  server.pause();
  try {
    await one.floors.raise(KEY, { partition: 3, offset: 13 });
    assert.equal(await two.floors.of(KEY), 'unknown');
  } finally {
    server.continue();
  }
  assert.equal(reported.filter((line) => line.includes('Redis is away')).length, 2, 'once each');
});

test('F11: who could not raise a floor makes the others doubt as soon as it can', async () => {
  const [one, two] = await settledPair();
  // One write is refused: by the server of this instance's connection alone.
  await admin.acl('SETUSER', 'narrow', 'on', 'nopass', '~*', '+@all', '-eval', '-evalsha');
  const narrow = one.redis.client;
  await narrow.call('AUTH', 'narrow', 'any');
  await one.floors.raise(KEY, { partition: 3, offset: 20 });
  assert.equal(await two.floors.of(KEY), undefined, 'nobody can know yet');
  await admin.acl('SETUSER', 'narrow', '+eval');
  await one.floors.raise(OTHER, { partition: 3, offset: 20 });
  assert.equal(await two.floors.of(KEY), 'unknown');
  assert.equal(await one.floors.of(KEY), undefined, 'the one itself knows it in its memory');
});

test('a start asks Redis for its clock, and goes on without Redis', async () => {
  const settings = { ...redisUrl(`redis://${server.address}`), prefix: 'test' };
  assert.deepEqual(await redisProbe(settings, systemClock)(), []);
  const late = { ...systemClock, now: () => Date.now() - 60_000 };
  const [fault] = await redisProbe(settings, late)();
  assert.equal(fault?.part, 'clock');
  await server.kill();
  const [away] = await redisProbe(settings, systemClock)();
  await server.restart();
  assert.equal(away?.warning, true);
});

test('P9: nothing but numbers and hashes stands in Redis, each floor with its end', async () => {
  const [one] = await settledPair();
  await one.floors.raise(KEY, { partition: 3, offset: 10 });
  for (const key of await admin.keys('*')) {
    assert.match(key, /^test:\{floors-\d+\}:(mark|epoch-01:[\w-]{22})$/);
    const value = String(await admin.get(key));
    if (key.endsWith(':mark')) assert.match(value, /^[a-z2-7]{26}$/);
    else {
      assert.equal(value, '3:10');
      assert.ok((await admin.pttl(key)) > 0);
    }
  }
});
