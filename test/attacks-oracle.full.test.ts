import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, type RpcMessage } from './support/ask.ts';
import { openBridge, type TestBridge } from './support/bridge.ts';
import { bundleOf, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

/**
 * security.md §6, 40 and 41: whatever ben asks, of a member that he may not read, of one of another
 * tenant, of one with protected records and of one that nobody knows he learns the same: nothing.
 */
const ABSENT = 'no-such-1';
const MEMBERS = ['demo-ana', 'demo-dov', 'elsewhere', ABSENT] as const;
const ROUNDS = 1_000;

let server: TestServer;
let ben: string;
let bridge: TestBridge;
let tried = 0;

before(async () => {
  server = await startServer({ env: { REQUESTS_PER_SECOND: '100000' } });
  ben = await server.token('ben');
  bridge = openBridge(server, 'ben');
  await farAway();
});
after(async () => {
  console.log(`# questions about members asked: ${tried}`);
  await bridge?.close();
  await server.stop();
});

/** A member of another tenant, who is said to be a namesake of ben there. */
async function farAway(): Promise<void> {
  const scope = 'sources:write relations:write';
  const operator = await server.token('operator', { tenant: 'far-away', scope });
  const relationship = 'member:elsewhere#self@user:ben';
  for (const [path, type, body] of [
    ['/v1/sources?source=far', 'application/fhir+json', bundleOf(patient('elsewhere'))],
    ['/v1/relations', 'application/json', { changes: [{ operation: 'touch', relationship }] }],
  ] as const) {
    const answer = await server.fetch(operator, path, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    assert.ok(answer.ok, await answer.text());
  }
}

const coverageOf = (member: string): string => `mcp://twins/member/${member}/coverage`;

/** The ways to ask MCP about a member, by name. */
const QUESTIONS: Readonly<Record<string, (member: string) => readonly [string, object]>> = {
  'a read': (member) => ['resources/read', { uri: coverageOf(member) }],
  'a read of its access log': (member) => [
    'resources/read',
    { uri: `mcp://twins/member/${member}/access-log` },
  ],
  'a read of a source': (member) => [
    'resources/read',
    { uri: `mcp://twins/member/${member}/clinical/Condition/c1` },
  ],
  'the tool readDocument': (member) => [
    'tools/call',
    { name: 'readDocument', arguments: { uri: coverageOf(member) } },
  ],
  'a search of it': (member) => [
    'tools/call',
    { name: 'search', arguments: { query: 'diabetes coverage', member } },
  ],
  'a chat about it': (member) => [
    'tools/call',
    { name: 'chat', arguments: { message: 'What is covered?', member } },
  ],
  'a completion of its id': (member) => [
    'completion/complete',
    {
      ref: { type: 'ref/resource', uri: 'mcp://twins/member/{memberId}/{section}' },
      argument: { name: 'memberId', value: member },
    },
  ],
  'a prompt about it': (member) => [
    'prompts/get',
    { name: 'coverage-explained', arguments: { member } },
  ],
};

/** What is said, without what is told to be of this question alone. */
function neutral(said: unknown, member: string): string {
  return JSON.stringify(said)
    .replaceAll(member, 'M')
    .replace(/"io\.digital-twin\/correlationId":"\w+"/g, '');
}

function assertSame(said: readonly string[]): void {
  for (const one of said) assert.equal(one, said.at(-1));
}

const numberOf = (name: string): number => (name.startsWith('a read') ? 40 : 41);

for (const [name, question] of Object.entries(QUESTIONS)) {
  test(`B-MC-10, B-FM-6: ${numberOf(name)}: ${name} says the same of each of them`, async () => {
    const said: string[] = [];
    for (const member of MEMBERS) {
      tried += 1;
      const [method, params] = question(member);
      const { answer, message } = await ask(server, ben, method, { ...params });
      said.push(`${answer.status} ${neutral([message.error, message.result], member)}`);
    }
    assertSame(said);
  });

  test(`B-MC-10, B-FM-6: ${numberOf(name)}: ${name} over stdio says the same of each`, async () => {
    const said: string[] = [];
    for (const member of MEMBERS) {
      tried += 1;
      const [method, params] = question(member);
      const { error, result } = await bridge.ask(method, { ...params });
      said.push(neutral([error, result], member));
    }
    assertSame(said);
  });
}

test('B-MC-10, B-FM-6: 40: the answers are of one size, and the plain routes say the same', async () => {
  const sizes = new Set<string>();
  for (const member of MEMBERS) {
    tried += 2;
    const uri = coverageOf(member);
    const { answer } = await ask(server, ben, 'resources/read', { uri });
    const plain = await server.fetch(ben, `/v1/twins/member/${member}/coverage`);
    const text = await plain.text();
    const ids = text.split(member).length - 1;
    const own = answer.text.length - uri.length;
    sizes.add(`${own} ${plain.status} ${text.length - ids * member.length}`);
  }
  assert.equal(sizes.size, 1, [...sizes].join(' or '));
});

/** Decisions that the server has asked SpiceDB for, or taken from its cache. */
async function decisions(): Promise<number> {
  const admin = await server.token('operator', { scope: 'admin' });
  const text = await (await server.fetch(admin, '/metrics')).text();
  const counts = [...text.matchAll(/^digital_twin_decisions_total\S* (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

test('B-FM-6: 40: ids that nobody knows are decided on too, so that they take the same time', async () => {
  const asked: Record<string, number> = {};
  // What the server decides for itself meanwhile is counted with it, so the least of some counts.
  for (let round = 0; round < 5; round += 1) {
    for (const member of MEMBERS) {
      const before = await decisions();
      await ask(server, ben, 'resources/read', { uri: coverageOf(member) });
      const own = (await decisions()) - before;
      asked[member] = Math.min(own, asked[member] ?? own);
    }
  }
  const none = asked[ABSENT];
  assert.ok(none !== undefined && none > 0, JSON.stringify(asked));
  assert.deepEqual(new Set(Object.values(asked)), new Set([none]), JSON.stringify(asked));
});

test('40: forbidden and absent ids take the same time, within the noise', async () => {
  const times = { 'demo-ana': [] as number[], [ABSENT]: [] as number[] };
  // By turns, so that whatever else the machine does falls upon both alike.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [member, own] of Object.entries(times)) {
      const began = performance.now();
      await server.fetch(ben, `/v1/twins/member/${member}/coverage`).then((said) => said.text());
      own.push(performance.now() - began);
    }
  }
  const medians = Object.values(times).map((own) => own.sort((a, b) => a - b)[ROUNDS / 2]);
  console.log(`# median ms, forbidden and absent: ${medians.map((m) => m?.toFixed(2)).join(', ')}`);
});

test('B-FM-6: 41: a listen acknowledges none of them, alone or together', async () => {
  const acknowledged: unknown[] = [];
  for (const uris of [...MEMBERS.map((member) => [coverageOf(member)]), MEMBERS.map(coverageOf)]) {
    tried += 1;
    const stream = await listen(server, ben, uris);
    acknowledged.push([stream.status, stream.acknowledged]);
    stream.close();
  }
  assert.deepEqual(new Set(acknowledged.map((one) => JSON.stringify(one))), new Set(['[200,[]]']));
});

test('B-FM-6: 41: a listen over stdio acknowledges none of them', async () => {
  for (const [n, member] of MEMBERS.entries()) {
    tried += 1;
    const id = `listen-${n}`;
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    const notifications = { resourceSubscriptions: [coverageOf(member)] };
    const message = { jsonrpc: '2.0', id, method: 'subscriptions/listen' };
    bridge.line(JSON.stringify({ ...message, params: { notifications, _meta: full(_meta) } }));
    const first = await bridge.heard((said) => idOf(said) === id);
    assert.equal(first.method, 'notifications/subscriptions/acknowledged');
    assert.deepEqual(first.params?.notifications, {});
  }
});

const full = (meta: object): object => ({
  ...meta,
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
});
const idOf = ({ id, params }: RpcMessage): unknown => {
  const meta = (params?._meta ?? {}) as Record<string, unknown>;
  return id ?? meta['io.modelcontextprotocol/subscriptionId'];
};

test('B-FM-6: 41: a 2025 subscription says the same of each, over HTTP and over stdio', async () => {
  const session = await openSession(server, ben);
  const said: string[] = [];
  for (const member of MEMBERS) {
    tried += 2;
    const params = { uri: coverageOf(member) };
    for (const { error } of [
      await session.send('resources/subscribe', params),
      await bridge.askOld('resources/subscribe', params),
    ]) {
      assert.equal(error?.code, -32602);
      said.push(neutral(error, member));
    }
  }
  assertSame(said);
});

test('B-FM-6, B-MC-12: 41: lists, the feed, search counts and cursors know none of them', async () => {
  for (const path of [
    ...['/v1/search?q=coverage&limit=50', '/v1/search?q=diabetes%20opioid&limit=50'],
    '/v1/changes?cursor=start',
  ]) {
    tried += 1;
    const text = await (await server.fetch(ben, path)).text();
    for (const member of MEMBERS) assert.ok(!text.includes(member), `${path} names ${member}`);
  }
  const found = async (member: string) => {
    const answer = await server.fetch(ben, `/v1/search?q=coverage&member=${member}`);
    return `${answer.status} ${neutral(await answer.json(), member)}`;
  };
  assertSame(await Promise.all(MEMBERS.map(found)));
  const list = await ask(server, ben, 'resources/list', {});
  const listed = await bridge.ask('resources/list', {});
  for (const { result } of [list.message, listed]) {
    assert.ok(result);
    for (const member of MEMBERS) assert.ok(!JSON.stringify(result).includes(member), member);
  }
});
