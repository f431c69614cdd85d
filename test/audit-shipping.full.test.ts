import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { decodeAudit } from '../src/log/events/index.ts';
import { committedRecords } from '../src/log/kafka/committed-records.rig.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import type { ShippedRow } from '../src/twin/ports.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { type KafkaPart, kafka } from './support/parts.ts';
import type { TestServer } from './support/server.ts';

/** Rows of two instances over a real Kafka, across kill -9 of one and a broker that is away. */
const MEMBER = 'ana';
const LOG = `/v1/twins/member/${MEMBER}/access-log`;
const PROFILE = `/v1/twins/member/${MEMBER}/profile`;
const ROUNDS = 3;

let broker: KafkaPart;
let group: Cluster;
let a: TestServer;
let b: TestServer;

before(async () => {
  broker = await kafka();
  group = await cluster({ KAFKA_BROKERS: broker.address, AUDIT_CHECKPOINT_SECONDS: '1' });
  a = await group.start();
  b = await group.start();
  const patient = { resourceType: 'Patient', id: MEMBER, name: [{ family: 'A' }], active: true };
  const entry = [{ resource: patient, request: { method: 'PUT', url: `Patient/${MEMBER}` } }];
  const bundle = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry });
  assert.ok((await a.importBundle(bundle)).ok);
  const officer = 'organization:demo#privacy_officer@user:officer';
  await a.relations('touch', `member:${MEMBER}#self@user:${MEMBER}`, officer);
  await until('both may read', async () => (await statuses()).every((status) => status === 200));
});
after(async () => {
  await group?.stop();
  await broker?.stop();
});

async function statuses(): Promise<number[]> {
  return await Promise.all([a, b].map(async (server) => (await read(server, PROFILE)).status));
}

async function read(server: TestServer, path: string): Promise<Response> {
  return await server.fetch(await server.token(MEMBER), path);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries += 1) {
    assert.ok(tries < 300, `${what}; the server says ${b.output()}`);
    await sleep(100);
  }
}

/** What an instance has on its disk, by generation and index. */
function durable({ dataDir }: TestServer): Map<string, string> {
  const db = new DatabaseSync(join(dataDir, 'audit.db'), { readOnly: true });
  const rows = db
    .prepare('SELECT id, seq, body FROM record JOIN generation ON n = gen ORDER BY n, seq')
    .all();
  db.close();
  return new Map(rows.map(({ id, seq, body }) => [`${id} ${seq}`, String(body)]));
}

/** Everything that the topic has, in the order of each partition. */
async function shipped(): Promise<Map<number, ShippedRow[]>> {
  const brokers = [broker.address];
  const client = createKafkaClient({ brokers, clientId: 'test' }, 'platformatic');
  const partitions = new Map<number, ShippedRow[]>();
  for (const record of await committedRecords(client, 'audit.records')) {
    const read = decodeAudit(record);
    const rows = partitions.get(record.partition) ?? [];
    if ('row' in read) rows.push(read.row);
    partitions.set(record.partition, rows);
  }
  await client.close();
  return partitions;
}

async function waitingOn(server: TestServer): Promise<number> {
  const text = await (
    await server.fetch(await server.token('operator', { scope: 'admin' }), '/metrics')
  ).text();
  return Number(/^digital_twin_audit_unshipped_records (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
}

/** Each durable row is there, as it is here, and in the order of its log within each partition. */
async function assertAllShipped(servers: readonly TestServer[]): Promise<number> {
  // To ask how many wait is a row itself: what is durable by now comes a moment later.
  const held = servers.flatMap((server) => [...durable(server)]);
  let partitions = new Map<number, ShippedRow[]>();
  let known = new Map<string, string>();
  await until('all of it is on the topic', async () => {
    partitions = await shipped();
    known = new Map([...partitions.values()].flat().map((row) => [placeOf(row), row.body]));
    return held.every(([place]) => known.has(place));
  });
  for (const [place, body] of held) assert.equal(known.get(place), body, place);
  for (const [partition, list] of partitions) {
    const newest = new Map<string, number>();
    const seen = new Set<string>();
    for (const row of list) {
      if (seen.has(placeOf(row))) continue;
      seen.add(placeOf(row));
      assert.ok(row.index > (newest.get(row.generation) ?? 0), `order in partition ${partition}`);
      newest.set(row.generation, row.index);
    }
  }
  return held.length;
}

const placeOf = ({ generation, index }: ShippedRow): string => `${generation} ${index}`;

test('B-AD-4: every durable row reaches the topic, in order, across kill -9 of its instance', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    let going = true;
    const reading = Array.from({ length: 8 }, async () => {
      while (going)
        await read(a, PROFILE).then(
          (res) => res.text(),
          () => undefined,
        );
    });
    await sleep(700);
    const before = a;
    await before.kill();
    going = false;
    await Promise.all(reading);
    a = await group.start(before.dataDir);
  }
  assert.equal((await read(a, PROFILE)).status, 200);
  await until(
    'nothing waits',
    async () => (await waitingOn(a)) === 0 && (await waitingOn(b)) === 0,
  );
  const rows = await assertAllShipped([a, b]);
  assert.ok(rows > 100, `${rows} rows`);
});

interface AccessLog {
  readonly data: {
    readonly entries: readonly { readonly when: string; readonly what: readonly string[] }[];
    readonly completeUpTo: readonly { readonly instance: string; readonly time: string }[];
  };
}

test('B-AD-4: the access log of either instance has the rows of both, and says how far', async () => {
  const began = new Date().toISOString();
  for (const server of [a, b]) assert.equal((await read(server, PROFILE)).status, 200);
  for (const server of [a, b]) {
    await until('both readings are there', async () => {
      const { data } = (await (await read(server, LOG)).json()) as AccessLog;
      const fresh = data.entries.filter(({ when }) => when >= began);
      const upTo = data.completeUpTo.filter(({ time }) => time >= began);
      return fresh.filter(({ what }) => what.includes('profile')).length === 2 && upTo.length === 2;
    });
  }
});

test('B-AD-8: reading the log leaves its etag as it was, and is a row all the same', async () => {
  const first = await read(b, LOG);
  const again = await read(b, LOG);
  assert.equal(first.headers.get('etag'), again.headers.get('etag'));
  const own = [...durable(b).values()].filter((body) => body.includes(`${MEMBER}/access-log`));
  assert.ok(own.length >= 2);
});

test('B-AD-4, P6: while Kafka is away nothing waits for it, and all comes once it is back', async () => {
  broker.pause();
  try {
    for (let n = 0; n < 20; n += 1) assert.equal((await read(a, PROFILE)).status, 200);
    await until('the readiness says so', async () => {
      const text = await (await fetch(`${a.url}/readyz`)).text();
      return /\d+ records wait for Kafka/.test(text);
    });
  } finally {
    broker.continue();
  }
  await until('nothing waits', async () => (await waitingOn(a)) === 0);
  await assertAllShipped([a]);
});

test('B-AD-4: what the topic has of both is verified with it', async () => {
  await until('all of it is here', async () => {
    const token = await b.token('officer', { scope: 'audit:read' });
    const response = await b.fetch(token, '/v1/audit/verify');
    assert.equal(response.status, 200);
    const proof = (await response.json()) as {
      ok: boolean;
      generations: readonly { from: string; instance: string; ok: boolean }[];
    };
    const instances = proof.generations.filter(({ from }) => from === 'topic');
    return proof.ok && new Set(instances.map(({ instance }) => instance)).size === 2;
  });
});
