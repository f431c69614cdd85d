import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ChangesPage } from '../src/contract/documents.ts';
import { sleep } from '../src/kernel/clock.ts';
import { ask, readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { type KafkaPart, kafka } from './support/parts.ts';
import type { TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

/** F2: the broker is away, both instances take facts, and what they held comes in order. */
const READER = 'reader';
const MEMBERS = ['held-a', 'held-b'] as const;
const FACTS = 12;

let broker: KafkaPart;
let group: Cluster;
let a: TestServer;
let b: TestServer;

before(async () => {
  broker = await kafka();
  group = await cluster(broker.env);
  a = await group.start();
  b = await group.start();
  for (const member of MEMBERS) assert.equal((await say(a, member, 0)).status, 201);
  await a.relations('touch', ...MEMBERS.map((member) => `member:${member}#self@user:${READER}`));
  for (const server of [a, b]) await until(async () => (await etags(server)).every(Boolean));
});
after(async () => {
  await group.stop();
  await broker.stop();
});

/** Fact number `n` of a member, and the member's own record as of then, which names no version. */
async function say(server: TestServer, member: string, n: number) {
  const condition = {
    ...{ resourceType: 'Condition', id: `${member}-${n}`, code: { text: `Condition ${n}` } },
    subject: { reference: `Patient/${member}` },
  };
  const person = patient(member, { address: [{ city: `City ${n}` }] });
  const response = await server.importBundle(bundleOf(person, condition));
  const body = (await response.json()) as { held?: true; eventId: string };
  return { status: response.status, body };
}

async function until(what: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await what())) {
    assert.ok(Date.now() < deadline, 'it did not come to that');
    await sleep(100);
  }
}

const uriOf = (member: string, section = 'profile') => `mcp://twins/member/${member}/${section}`;

/** Of every section that the held facts touch; empty where it cannot be read. */
async function etags(server: TestServer): Promise<string[]> {
  const token = await server.token(READER);
  const uris = MEMBERS.flatMap((member) =>
    ['profile', 'clinical'].map((one) => uriOf(member, one)),
  );
  return await Promise.all(
    uris.map(async (uri) => {
      const { message } = await ask(server, token, 'resources/read', { uri });
      const contents = message.result?.contents as { text: string }[] | undefined;
      return contents === undefined ? '' : (JSON.parse(contents[0]?.text ?? '{}').etag ?? '');
    }),
  );
}

async function feed(server: TestServer, cursor: string): Promise<ChangesPage> {
  const response = await server.fetch(await server.token(READER), `/v1/changes?cursor=${cursor}`);
  return (await response.json()) as ChangesPage;
}

/** Numbers of a member's facts, in the order of the log. */
async function factsSince(server: TestServer, cursor: string, member: string): Promise<number[]> {
  const numbers: number[] = [];
  let page: ChangesPage;
  let next = cursor;
  do {
    page = await feed(server, next);
    next = page.next;
    for (const { uri } of page.changes) {
      const [, number] = new RegExp(`/Condition/${member}-(\\d+)$`).exec(uri) ?? [];
      if (number !== undefined) numbers.push(Number(number));
    }
  } while (page.more);
  return numbers;
}

async function holds(server: TestServer): Promise<number> {
  const bearer = await server.token('operator', { scope: 'sources:write' });
  const response = await server.fetch(bearer, '/v1/sources/waiting');
  return ((await response.json()) as { outbox?: { count: number } }).outbox?.count ?? 0;
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('F2, P2, P4: broker away, facts on both instances, broker back', async () => {
  const cursors = [(await feed(a, 'now')).next, (await feed(b, 'now')).next];
  const streams = [
    await listen(
      a,
      await a.token(READER),
      MEMBERS.map((member) => uriOf(member)),
    ),
    await listen(
      b,
      await b.token(READER),
      MEMBERS.map((member) => uriOf(member)),
    ),
  ];
  const before = await etags(a);
  await broker.kill();
  const pairs = [
    [a, 'held-a'],
    [b, 'held-b'],
  ] as const;
  await Promise.all(
    pairs.map(async ([server, member]) => {
      for (const n of numbers(1, FACTS)) {
        const { status, body } = await say(server, member, n);
        assert.deepEqual([status, body.held], [202, true], `${member} ${n}`);
      }
    }),
  );
  assert.deepEqual([await holds(a), await holds(b)], [FACTS, FACTS]);
  for (const server of [a, b]) {
    assert.deepEqual(await etags(server), before, 'read as before');
    const response = await fetch(`${server.url}/readyz`);
    const ready = (await response.json()) as Record<string, { detail?: string }>;
    assert.equal(response.status, 200, JSON.stringify(ready));
    assert.match(ready.outbox?.detail ?? '', new RegExp(`^holds ${FACTS} `));
    assert.match(ready.log?.detail ?? '', /^away/);
  }

  await broker.restart();
  await until(async () => (await holds(a)) + (await holds(b)) === 0);
  for (const [index, server] of [a, b].entries()) {
    const cursor = cursors[index] ?? '';
    for (const member of MEMBERS) {
      await until(async () => (await factsSince(server, cursor, member)).length === FACTS);
      assert.deepEqual(await factsSince(server, cursor, member), numbers(1, FACTS));
      const profile = await readDocument(server, await server.token(READER), uriOf(member));
      assert.match(JSON.stringify(profile.data), new RegExp(`City ${FACTS}\\b`));
    }
  }
  const now = await etags(a);
  assert.deepEqual(await etags(b), now);
  for (const [index, stream] of streams.entries()) {
    for (const etag of [now[0], now[2]]) await stream.heardOf(etag ?? '');
    assert.ok(stream.told.length <= 2 * FACTS, `${index}: at most once a change`);
    stream.close();
  }
});

test('F3, P2: an instance that is killed while it holds facts gives them once it is there again', async () => {
  const cursor = (await feed(b, 'now')).next;
  await broker.kill();
  for (const n of numbers(FACTS + 1, FACTS + 4)) {
    assert.equal((await say(a, 'held-a', n)).status, 202);
  }
  await a.kill();
  await broker.restart();
  assert.equal((await say(b, 'held-b', FACTS + 1)).status < 300, true);
  a = await group.start(a.dataDir);
  await until(async () => (await factsSince(b, cursor, 'held-a')).length === 4);
  assert.deepEqual(await factsSince(b, cursor, 'held-a'), numbers(FACTS + 1, FACTS + 4));
  await until(async () => {
    const [one, two] = [await etags(a), await etags(b)];
    return one.every((etag, index) => etag === two[index]);
  });
});
