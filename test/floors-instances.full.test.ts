import assert from 'node:assert/strict';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { ask, readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { type ProxiedKafka, proxiedKafka, type RedisPart, redis } from './support/parts.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

/**
 * Told of a change by one instance, nobody reads the old value from another one that lags: floors
 * in a real Redis, and what becomes of them when it is emptied and when it is gone (F11).
 */
const MEMBER = 'floor-member';
const URI = `mcp://twins/member/${MEMBER}/profile`;

let broker: ProxiedKafka;
let store: RedisPart;
let teller: TestServer;
/** Its way to Kafka can be silenced: then its view stands still, and it does not know. */
let laggard: TestServer;
let version = 0;

before(async () => {
  [broker, store] = await Promise.all([proxiedKafka(2), redis()]);
  const [one = '', two = ''] = broker.proxies.map(({ address }) => address);
  const env = { ...broker.env, ...store.env, DEMO: 'off' };
  teller = await startServer({ env: { ...env, KAFKA_BROKERS: one } });
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-floors-'));
  await copyFile(join(teller.dataDir, 'keys.json'), join(dataDir, 'keys.json'));
  laggard = await startServer({ dataDir, env: { ...env, KAFKA_BROKERS: two } });
  await say();
  await teller.relations('touch', `member:${MEMBER}#self@user:ana`);
  for (const server of [teller, laggard]) await until(async () => (await read(server)).etag !== '');
});
after(async () => {
  await Promise.all([teller?.stop(), laggard?.stop()]);
  await Promise.all([broker?.stop(), store?.stop()]);
});

async function say(): Promise<string> {
  version += 1;
  const bundle = bundleOf(patient(MEMBER, { address: [{ city: `City ${version}` }] }));
  // Where the laggard was the one that decides, the teller holds it until it has taken over.
  for (let tries = 0; tries < 10; tries += 1) {
    const response = await teller.importBundle(bundle);
    const { position } = (await response.json()) as { position?: string };
    if (response.status === 201) return position ?? '';
    await sleep(500);
  }
  return assert.fail('it was not taken');
}

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await what()); tries += 1) {
    assert.ok(tries < 300, 'it did not come to that');
    await sleep(100);
  }
}

async function read(server: TestServer): Promise<{ etag: string; code: string }> {
  const { message } = await ask(server, await server.token('ana'), 'resources/read', { uri: URI });
  const contents = message.result?.contents as { text: string }[] | undefined;
  const etag = contents === undefined ? '' : String(JSON.parse(contents[0]?.text ?? '{}').etag);
  return { etag, code: String(message.error?.data?.code ?? '') };
}

/** Changes the member, waits until ana was told by one instance, and answers the new etag. */
async function told(): Promise<string> {
  const ana = await teller.token('ana');
  const stream = await listen(teller, ana, [URI]);
  const position = await say();
  const meta = { 'io.digital-twin/minPosition': position };
  const { etag } = await readDocument(teller, ana, URI, meta);
  await stream.heardOf(etag).finally(() => stream.close());
  return etag;
}

async function whileSilent<T>(work: () => Promise<T>): Promise<T> {
  const [, way] = broker.proxies;
  way?.silence();
  try {
    return await work();
  } finally {
    way?.restore();
  }
}

test('P3, F11: told by one instance, nobody reads the old value from one that lags', {
  timeout: 120_000,
}, async () => {
  const etag = await whileSilent(async () => {
    const now = await told();
    assert.deepEqual(await read(laggard), { etag: '', code: 'VIEW_BEHIND' });
    assert.equal((await read(teller)).etag, now);
    return now;
  });
  await until(async () => (await read(laggard)).etag === etag);
});

test('P3, F11: emptied while ana was told: the other instance asks the log where it ends', {
  timeout: 120_000,
}, async () => {
  const etag = await told();
  await flush();
  await until(async () => (await read(laggard)).etag === etag);
  const next = await told();
  await until(async () => (await read(laggard)).etag === next);
});

test('P6, F11: without Redis reads go on, and nothing is allowed by it', {
  timeout: 120_000,
}, async () => {
  await store.kill();
  try {
    const etag = await told();
    assert.equal((await read(laggard)).etag, etag, 'the log says where it ends');
    const eve = await laggard.token('eve');
    const { message } = await ask(laggard, eve, 'resources/read', { uri: URI });
    assert.equal(message.result, undefined);
    const ready = (await (await fetch(`${laggard.url}/readyz`)).json()) as {
      ready: boolean;
      floors: { detail?: string };
    };
    assert.deepEqual([ready.ready, ready.floors.detail], [true, 'Redis is away']);
  } finally {
    await store.restart();
  }
});

async function flush(): Promise<void> {
  const { Redis } = await import('ioredis');
  const admin = new Redis(store.env.REDIS_URL ?? '');
  await admin.flushall();
  admin.disconnect();
}
