import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisPart, redis } from '../../../test/support/parts.ts';
import { sleep } from '../../kernel/clock.ts';
import { createRedisLink, type RedisLink } from '../redis-link.ts';
import { eventOf, logSuite, SMALL } from './log-suite.rig.ts';
import { RedisLog } from './redis-log.ts';

let server: RedisPart;
const clients: Redis[] = [];
const logs: RedisLog[] = [];

before(async () => {
  server = await redis();
});

after(async () => {
  for (const log of logs) await log.stop();
  for (const client of clients) client.disconnect();
  await server.stop();
});

async function linkOf(prefix: string): Promise<RedisLink> {
  const made = [new Redis(`redis://${server.address}`), new Redis(`redis://${server.address}`)];
  for (const client of made) client.on('error', () => undefined);
  clients.push(...made);
  const [commands, listening] = made.map((client) => ({
    ...{ client, prefix, onReconnected: () => undefined },
    get ready() {
      return client.status === 'ready';
    },
  }));
  assert.ok(commands && listening);
  await Promise.all(made.map((client) => client.ping()));
  return createRedisLink(commands, listening, (error) => assert.fail(String(error)));
}

async function opened(prefix = 'suite'): Promise<RedisLog> {
  const report = (error: unknown): void => assert.fail(String(error));
  const log = new RedisLog({ redis: await linkOf(prefix), report, bounds: SMALL });
  await log.start();
  logs.push(log);
  return log;
}

logSuite('in Redis', async () => {
  const log = await opened();
  await sleep(50);
  return { log, later: () => sleep(SMALL.dataMs + 100), heard: () => sleep(100) };
});

test('B-GW-3: after Redis was flushed, or killed and started with its data, nothing counts as whole', async () => {
  const log = await opened('lost');
  const admin = clients[0] as Redis;
  for (const lose of [() => admin.flushall(), () => restart()]) {
    const before = await log.append('member:ana', eventOf('e1'), []);
    await lose();
    while (log.degraded) await sleep(20);
    const since = await log.read('member:ana', before);
    assert.deepEqual(
      [since.recovered, 'reason' in since && since.reason],
      [false, 'epoch_changed'],
    );
    assert.notEqual(since.epoch, before.epoch);
    const next = await log.append('member:ana', eventOf('e2'), []);
    assert.equal(next.epoch, since.epoch);
  }
});

async function restart(): Promise<void> {
  await clients[0]?.save();
  await server.restart();
  for (const client of clients) {
    while (client.status !== 'ready') await sleep(20);
  }
}

test('P9: keys in Redis hold names of streams alone, and each has its end', async () => {
  const log = await opened('keys');
  await log.append('member:ana', eventOf('secret-id', { raw: 'Ana Example' }), ['secret-id']);
  const admin = clients[0] as Redis;
  const keys = await admin.keys('keys:*');
  assert.deepEqual(keys.toSorted(), [
    'keys:gateway:{member:ana}:log',
    'keys:gateway:{member:ana}:meta',
    'keys:gateway:{member:ana}:seen:secret-id',
  ]);
  for (const key of keys) assert.ok((await admin.pttl(key)) > 0, key);
});
