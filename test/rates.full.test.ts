/** One count for all instances on a real Redis, and a stricter one by itself where it is away. */

import assert from 'node:assert/strict';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { redisUrl } from '../src/config/redis.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { LIMITS } from '../src/kernel/limits.ts';
import { openRates, type Rates } from '../src/operations/redis-rates.ts';
import { createSpend } from '../src/twin/spending.ts';
import { type RedisPart, redis } from './support/parts.ts';
import { startServer, type TestServer } from './support/server.ts';

/** So slow that nothing comes back while a test runs. */
const SLOW = { perSecond: 0.001, burst: 40 };
const secret = Buffer.alloc(32, 7);

let store: RedisPart;
let instances: readonly [Rates, Rates];

const opened = (): Rates => {
  const settings = { ...redisUrl(`redis://${store.address}`), prefix: 'rates-test' };
  return openRates({ settings, secret, clock: systemClock, report: () => undefined });
};
const passing = async (rates: { take(key: string): unknown }, key: string, times: number) => {
  let passed = 0;
  for (let n = 0; n < times; n += 1) if (await rates.take(key)) passed += 1;
  return passed;
};

before(async () => {
  store = await redis();
  instances = [opened(), opened()];
  await Promise.all(instances.map((one) => one.start()));
});
after(async () => {
  await Promise.all(instances.map((one) => one.stop()));
  await store.stop();
});

test('B-AG-7: two instances share one count, and each caller has its own', async () => {
  const [a, b] = instances.map((one) => one.of('shared', SLOW));
  assert.ok(a !== undefined && b !== undefined);
  const both = await Promise.all([passing(a, 'ana', 60), passing(b, 'ana', 60)]);
  assert.equal(both[0] + both[1], SLOW.burst);
  assert.equal(await passing(b, 'ben', 10), 10, 'who asks more takes nothing from others');
  const other = instances[0].of('another count', SLOW);
  assert.equal(await passing(other, 'ana', 1), 1);
});

test('B-AG-7: many at once, and tokens fetched in advance, never pass the count', async () => {
  const quick = { perSecond: 100, burst: 100 };
  const [a, b] = instances.map((one) => one.of('at once', quick));
  assert.ok(a !== undefined && b !== undefined);
  const began = performance.now();
  const taken = await Promise.all(
    Array.from({ length: 600 }, async (_, n) => await (n % 2 === 0 ? a : b).take('ana')),
  );
  const passed = taken.filter(Boolean).length;
  const refilled = Math.ceil(((performance.now() - began) / 1000) * quick.perSecond);
  assert.ok(passed >= quick.burst / 2 && passed <= quick.burst + refilled, String(passed));
});

test('P9: keys in Redis name nobody', async () => {
  const rate = instances[0].of('named', SLOW);
  await rate.take('somebody-by-name');
  const { Redis } = await import('ioredis');
  const [host = '', port = ''] = store.address.split(':');
  const admin = new Redis({ host, port: Number(port) });
  const keys = await admin.keys('*');
  admin.disconnect();
  assert.ok(keys.length > 0);
  for (const key of keys) assert.match(key, /^rates-test:rate:[\w-]{43}$/);
});

test('B-AG-7: two servers on one Redis; it stops, and each goes on with a share', async () => {
  const env = { ...store.env, REQUESTS_PER_SECOND: '1' };
  const one = await startServer({ env });
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-rates-'));
  await copyFile(join(one.dataDir, 'keys.json'), join(dataDir, 'keys.json'));
  const two = await startServer({ dataDir, env });
  const burst = LIMITS.requestBurstSeconds;
  const count = async (subject: string, servers: readonly TestServer[]) => {
    const tokens = await Promise.all(servers.map((server) => server.token(subject)));
    const began = performance.now();
    let [passed, wait]: [number, string | null] = [0, null];
    for (let n = 0; n < burst * 4; n += 1) {
      const at = n % servers.length;
      const [server = one, token = ''] = [servers[at], tokens[at]];
      const response = await server.fetch(token, '/v1/twins/member/nobody/care');
      if (response.status === 429) wait = response.headers.get('retry-after');
      else passed += 1;
    }
    return { passed, wait, refilled: Math.ceil((performance.now() - began) / 1000) };
  };
  const shared = await count('with-redis', [one, two]);
  assert.equal(shared.wait, '1');
  assert.ok(shared.passed >= burst && shared.passed <= burst + shared.refilled, `${shared.passed}`);
  await store.stop();
  const alone = await count('without-redis', [one, two]);
  assert.equal(alone.wait, '1');
  const share = Math.ceil(burst * LIMITS.localShareWithoutRedis) + alone.refilled;
  assert.ok(alone.passed >= 2 && alone.passed <= 2 * share, String(alone.passed));
  await Promise.all([one.stop(), two.stop()]);
});

test('B-MC-16: 92: a loop of searches ends with 429 for that caller alone, and chat counts by itself', async () => {
  const rates = openRates({
    ...{ settings: undefined, secret, clock: systemClock },
    report: () => undefined,
  });
  const spend = createSpend((name, { burst }) => rates.of(name, { perSecond: 0.001, burst }));
  const caller = (subject: string) => ({ kind: 'user', subject, tenant: 'demo' }) as never;
  for (let n = 0; n < LIMITS.searches.burst; n += 1) await spend(caller('ana'), 'search');
  await assert.rejects(spend(caller('ana'), 'search'), { code: 'RATE_LIMITED' });
  await spend(caller('ana'), 'chat');
  await spend(caller('ben'), 'search');
});
