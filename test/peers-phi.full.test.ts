import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mendSchema } from '../src/access/index.ts';
import { connectEngine } from '../src/access/spicedb/grpc.ts';
import { schemaWords } from '../src/access/spicedb/schema.ts';
import { systemClock } from '../src/kernel/clock.ts';
import {
  assertQuiet,
  CANARY,
  canariesPlanted,
  canary,
  canaryBundle,
  liveWithCanaries,
} from './support/canaries.ts';
import { kcat, type SharedKafka, type SpicedbPart, sharedKafka, spicedb } from './support/parts.ts';
import { startServer, type TestServer } from './support/server.ts';

/** peers.md T11 on Kafka and SpiceDB: what others run, and whose operators read names and keys. */
let db: SpicedbPart;
let shared: SharedKafka;
let server: TestServer;
let member: string;
before(async () => {
  db = await spicedb();
  await mendSchema({ endpoint: db.address, token: db.token, tls: false }, 'apply');
  shared = await sharedKafka();
  const own = { MEMBER_IDS: 'opaque', DEMO: 'off', LOG_LEVEL: 'trace' };
  server = await startServer({ env: { ...shared.env, ...db.env, ...own } });
  member = await liveWithCanaries(server);
  await withdrawn();
});
after(async () => {
  console.log(`# canaries planted: ${canariesPlanted()}`);
  await server?.stop();
  await db?.stop();
});

/** What goes leaves tombstones, which have nothing but their key and headers. */
async function withdrawn(): Promise<void> {
  const [first] = (await canaryBundle(canary())).entry;
  const { identifier, ...patient } = first?.resource ?? {};
  const request = { method: 'PUT', url: `Patient/${patient.id}` };
  for (const more of [{ identifier }, {}]) {
    const entry = [{ resource: { ...patient, ...more }, request }];
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    assert.equal((await server.importBundle(JSON.stringify(bundle), 'ten')).status, 201);
  }
}

async function topics(): Promise<string[]> {
  const listed = JSON.parse(await kcat(['-L', '-J', '-b', shared.address])) as {
    topics: { topic: string }[];
  };
  return listed.topics.map(({ topic }) => topic).filter((topic) => topic.startsWith(shared.prefix));
}

/** What `kcat` shows of each record by this format. */
function shown(topic: string, format: string): Promise<string> {
  return kcat([
    '-C',
    '-b',
    shared.address,
    '-t',
    topic,
    '-o',
    'beginning',
    '-e',
    '-q',
    '-f',
    format,
  ]);
}

test('P9, T11: 115: logs at their most talkative and metric labels hold no canary', async () => {
  await assertQuiet(server, member);
});

test('P9, T11: 115: names, keys and headers on Kafka hold no canary, and values of records do', async () => {
  let records = 0;
  const telling: string[] = [];
  for (const topic of await topics()) {
    const outside = await shown(topic, '%k %h\n');
    assert.doesNotMatch(topic, CANARY);
    assert.deepEqual(
      outside.split('\n').filter((line) => CANARY.test(line)),
      [],
      topic,
    );
    records += outside.split('\n').length - 1;
    if (CANARY.test(await shown(topic, '%s\n'))) telling.push(topic);
  }
  assert.ok(records > 20, `${records} records`);
  for (const topic of ['twins.sources', 'twins.decider']) {
    assert.ok(telling.includes(`${shared.prefix}${topic}`), `the control: ${topic} holds them`);
  }
});

test('P9, T11: 115: events of changes on Kafka hold no canary at all', async () => {
  const events = await shown(`${shared.prefix}twins.resource-events`, '%k %h %s\n');
  assert.ok(events.includes(member), 'they tell of the member');
  assert.doesNotMatch(events, CANARY);
});

test('P9, T11: 115: object ids and subjects in SpiceDB hold no canary', async () => {
  const engine = connectEngine({ endpoint: db.address, token: db.token, tls: false }, systemClock);
  try {
    const held: string[] = [];
    for (const type of schemaWords().keys()) {
      for (const one of await engine.read({ type })) held.push(JSON.stringify(one));
    }
    assert.ok(
      held.some((one) => one.includes(member)),
      'they name the member',
    );
    assert.deepEqual(
      held.filter((one) => CANARY.test(one)),
      [],
    );
  } finally {
    await engine.close();
  }
});
