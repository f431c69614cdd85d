import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import { sleep } from '../src/kernel/clock.ts';
import { murmur2 } from '../src/kernel/murmur2.ts';
import { inEvent, ownIds } from '../src/log/events/index.ts';
import { PARTITIONS } from '../src/log/kafka/topics.ts';
import { readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { kcat, type SharedKafka, sharedKafka } from './support/parts.ts';
import { readTopic } from './support/records.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/** Clients that know nothing of us, on the topics of a running server: kafkajs writes, kcat reads. */
const MEMBERS = Array.from({ length: 8 }, (_, index) => `outside-${index}`);
const READER = 'reader';
const CHANGES = 3;
/** What may stand in a document, and nowhere in an event, a key or a header. */
const FAMILY = 'Kanarienvogel';
const GARBAGE = 'Papagei in plain text, and no FHIR';
const CANARIES = [FAMILY, 'Papagei', '1970-05-01'];

interface Entry {
  readonly topic: string;
  readonly reason: string;
}

let shared: SharedKafka;
let server: TestServer;
let producer: Producer;

before(async () => {
  shared = await sharedKafka();
  server = await startServer({ env: { ...shared.env, DEMO: 'off' } });
  const kafka = new Kafka({ brokers: [shared.address], logLevel: logLevel.NOTHING });
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
});
after(async () => {
  await producer?.disconnect();
  await server?.stop();
});

/** As a producer does that has read docs/kafka.md and nothing else. */
async function say(member: string, eventId: string, value: string, tenant = 'demo'): Promise<void> {
  const headers = { tenant, source: 'outside', 'event-id': eventId };
  const messages = [{ key: member, value, headers }];
  await producer.send({ topic: `${shared.prefix}twins.intake`, acks: -1, messages });
}

function versionOf(member: string, number: number): string {
  const lastUpdated = new Date(Date.UTC(2026, 0, number)).toISOString();
  const name = [{ family: FAMILY, given: [`Version-${number}`] }];
  return bundleOf(patient(member, { name, meta: { lastUpdated } }));
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(100);
  }
  return assert.fail(what);
}

async function shows(member: string, text: string): Promise<string> {
  const token = await server.token(READER);
  const uri = `mcp://twins/member/${member}/profile`;
  return await until(`${member} shows ${text}`, async () => {
    const document = await readDocument(server, token, uri).catch(() => undefined);
    return JSON.stringify(document?.data)?.includes(text) ? document?.etag : undefined;
  });
}

test('plain FHIR JSON of a kafkajs producer is accepted, and an event said twice has one effect', async () => {
  for (const member of MEMBERS) await say(member, `${member}-1`, versionOf(member, 1));
  await server.relations('touch', ...MEMBERS.map((id) => `member:${id}#self@user:${READER}`));
  for (const member of MEMBERS) await shows(member, 'Version-1');
  for (let number = 2; number <= CHANGES; number += 1) {
    for (const member of MEMBERS) {
      for (let times = 0; times < 2; times += 1) {
        await say(member, `${member}-${number}`, versionOf(member, number));
      }
    }
    // Versions that come together are one change to a view, so each is waited for.
    for (const member of MEMBERS) await shows(member, `Version-${number}`);
  }
  const outcomes = await readTopic(shared.address, `${shared.prefix}twins.outcomes`);
  assert.deepEqual(outcomes, [], 'what nobody waits for is not written');
});

test('P9: kcat sees each change once, by member, where murmur2 puts it, and nothing of a person', async () => {
  const topic = `${shared.prefix}twins.resource-events`;
  const wanted = await Promise.all(MEMBERS.map((member) => shows(member, `Version-${CHANGES}`)));
  const records = await until('the newest etags are told', async () => {
    const seen = await readTopic(shared.address, topic);
    const text = seen.map(({ value }) => value.toString('latin1')).join('\n');
    return wanted.every((etag) => text.includes(etag)) ? seen : undefined;
  });
  const told = new Map<string, number>();
  for (const { key, value, partition } of records) {
    const { message } = inEvent({ key, value, headers: {} }, ownIds);
    const { member, uri, etag, variant } = message as unknown as Record<string, string>;
    assert.equal(key.toString(), member);
    assert.equal(partition, murmur2(key) % PARTITIONS);
    const change = `${variant} ${uri} ${etag}`;
    told.set(change, (told.get(change) ?? 0) + 1);
  }
  assert.deepEqual([...new Set(told.values())], [1], 'none came twice');
  for (const member of MEMBERS) {
    const profile = `mcp://twins/member/${member}/profile `;
    const general = [...told.keys()].filter((change) => change.startsWith(`1 ${profile}`));
    assert.equal(general.length, CHANGES, `${member}: ${general}`);
  }
  const committed = ['-X', 'isolation.level=read_committed'];
  const consume = ['-C', '-b', shared.address, '-t', topic, '-o', 'beginning', '-e', '-q'];
  const all = await kcat([...consume, ...committed, '-f', '%k|%h|%s\n']);
  assert.ok(all.includes(MEMBERS[0] ?? '-'));
  for (const canary of CANARIES) assert.ok(!all.includes(canary), canary);
});

test('P9: garbage of a foreign producer is a sealed dead letter that an operator finds', async () => {
  const key = `${FAMILY}, Testa`;
  await say(key, 'garbage-1', GARBAGE);
  await producer.send({
    topic: `${shared.prefix}twins.intake`,
    messages: [{ key, value: GARBAGE, headers: { tenant: 'demo' } }],
  });
  const command = ['dlq', 'list', '--json', '--data-dir', server.dataDir];
  const listed = await until('the letters are listed', async () => {
    const { stdout } = await run(LAUNCHER, command);
    const { letters = [] } = JSON.parse(stdout || '{}') as { letters?: Entry[] };
    return letters.length >= 2 ? { letters, stdout } : undefined;
  });
  const told = listed.letters.map(({ topic, reason }) => `${topic} ${reason}`);
  // What has no header that it needs is not understood; what has them all is refused.
  assert.deepEqual(told.toSorted(), ['twins.intake MALFORMED', 'twins.intake REJECTED']);
  const topic = `${shared.prefix}twins.intake.dlq`;
  const consume = ['-C', '-b', shared.address, '-t', topic, '-o', 'beginning', '-e', '-q'];
  const outside = await kcat([...consume, '-f', '%k|%h|%s\n']);
  assert.match(outside, /dlq-reason=/);
  for (const canary of CANARIES) {
    assert.ok(!outside.includes(canary), `${canary} in the letter`);
    assert.ok(!listed.stdout.includes(canary), `${canary} in the list`);
    assert.ok(!server.output().includes(canary), `${canary} in the server's log`);
  }
});

/** The letters of the intake, newest last, by the command that an operator has. */
async function refusals(): Promise<number> {
  const { stdout } = await run(LAUNCHER, ['dlq', 'list', '--json', '--data-dir', server.dataDir]);
  const { letters = [] } = JSON.parse(stdout || '{}') as { letters?: Entry[] };
  return letters.filter(({ reason }) => reason === 'REJECTED').length;
}

const etagOf = async (member: string): Promise<string> => {
  const uri = `mcp://twins/member/${member}/profile`;
  return (await readDocument(server, await server.token(READER), uri)).etag;
};

test('103: a producer that names another tenant changes no member of this one, and is a dead letter', async () => {
  const [member = ''] = MEMBERS;
  const [before, letters] = [await etagOf(member), await refusals()];
  await say(member, 'forged-tenant', versionOf(member, 20), 'far-away');
  await until('the letter is listed', async () =>
    (await refusals()) > letters ? true : undefined,
  );
  assert.equal(await etagOf(member), before);
  const stranger = await server.token(READER, { tenant: 'far-away' });
  const uri = `mcp://twins/member/${member}/profile`;
  await assert.rejects(readDocument(server, stranger, uri), /not found|NOT_FOUND|-32602/i);
});

test('104: whom a record is about stands in the record: a key that names another changes nobody', async () => {
  const [, member = '', other = ''] = MEMBERS;
  const before = await etagOf(other);
  await say(other, 'forged-key', versionOf(member, 21));
  await shows(member, 'Version-21');
  assert.equal(await etagOf(other), before);
});

test('105: an old version that is said again, as a new event, changes nothing', async () => {
  const [, , , member = ''] = MEMBERS;
  const before = await etagOf(member);
  await say(member, 'replayed-old', versionOf(member, 1));
  await say(member, `${member}-2`, versionOf(member, 2));
  // What comes behind them in the same partition shows that they were decided.
  await say(member, 'after-the-old', bundleOf(marker(member)));
  const uri = `mcp://twins/member/${member}/clinical`;
  const token = await server.token(READER);
  await until('what came behind is there', async () => {
    const document = await readDocument(server, token, uri).catch(() => undefined);
    return JSON.stringify(document?.data)?.includes('Marker') ? true : undefined;
  });
  assert.equal(await etagOf(member), before);
});

function marker(member: string) {
  const subject = { reference: `Patient/${member}` };
  return { resourceType: 'Condition', id: `${member}-marker`, subject, code: { text: 'Marker' } };
}
