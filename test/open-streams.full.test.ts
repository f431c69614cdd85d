/** Open streams of one principal, counted over two servers on one real Redis. */

import assert from 'node:assert/strict';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { redisUrl } from '../src/config/redis.ts';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import { LIMITS } from '../src/kernel/limits.ts';
import { openCounts } from '../src/operations/redis-counts.ts';
import { type RedisPart, redis } from './support/parts.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, type RawStream } from './support/streams.ts';

/** Longer than instances take to tell each other twice. */
const TOLD_MS = 4_500;
const URI = 'mcp://twins/member/demo-ana/coverage';

let store: RedisPart;
let one: TestServer;
let two: TestServer;

before(async () => {
  store = await redis();
  one = await startServer({ env: store.env });
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-open-'));
  await copyFile(join(one.dataDir, 'keys.json'), join(dataDir, 'keys.json'));
  two = await startServer({ dataDir, env: store.env });
  await sleep(TOLD_MS);
});
after(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await store?.stop();
});

async function open(server: TestServer, as: string, times: number): Promise<RawStream[]> {
  const token = await server.token(as);
  const streams: RawStream[] = [];
  for (let n = 0; n < times; n += 1) streams.push(await listen(server, token, [URI]));
  return streams;
}

const opened = (streams: readonly RawStream[]) =>
  streams.filter(({ refusal }) => refusal === undefined).length;

test('B-AG-11: streams on one instance count on the other, for their principal alone', async () => {
  const max = LIMITS.streamsPerPrincipalMax;
  const first = await open(one, 'ana', max - 10);
  assert.equal(opened(first), max - 10);
  await sleep(TOLD_MS);
  const second = await open(two, 'ana', 15);
  assert.equal(opened(second), 10);
  const refused = second.find(({ refusal }) => refusal !== undefined);
  assert.match(String(refused?.refusal?.message), /Too many open streams of one principal/);
  assert.equal(opened(await open(two, 'eve', 3)), 3);
  for (const stream of first) stream.close();
  await sleep(TOLD_MS);
  assert.equal(opened(await open(two, 'ana', 15)), 15, 'what was closed is free again');
});

test('P9: keys and fields in Redis name nobody', async () => {
  const { Redis } = await import('ioredis');
  const [host = '', port = ''] = store.address.split(':');
  const admin = new Redis({ host, port: Number(port) });
  const keys = (await admin.keys('*')).filter((key) => key.includes(':open:'));
  const hashes = await Promise.all(keys.map((key) => admin.hkeys(key)));
  admin.disconnect();
  assert.ok(hashes.flat().length >= 3);
  for (const text of [...keys, ...hashes.flat()]) assert.doesNotMatch(text, /ana|eve|demo/);
  for (const field of hashes.flat()) assert.match(field, /^[\w-]{43}$/);
});

test('B-AG-11: an instance without Redis has a share, and one that dies is forgotten', async () => {
  const settings = { ...redisUrl(`redis://${store.address}`), prefix: 'open-test' };
  const secret = Buffer.alloc(32, 7);
  const counting = () =>
    openCounts({ settings, secret, clock: systemClock, report: () => undefined });
  const [a, b] = [counting(), counting()];
  await Promise.all([a.start(), b.start()]);
  a.note('ana', 3);
  await sleep(TOLD_MS);
  assert.deepEqual([b.elsewhere('ana'), b.elsewhere('ben'), b.share], [3, 0, 1]);
  await a.stop();
  await sleep(TOLD_MS);
  assert.equal(b.elsewhere('ana'), 0);
  await store.stop();
  await sleep(TOLD_MS);
  assert.equal(b.share, LIMITS.localShareWithoutRedis);
  await b.stop();
});
