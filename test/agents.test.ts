/** Agents on behalf of people: who trusts whom, and what a suspended vendor still gets. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TrustedAgent } from '../src/contract/agents.ts';
import { ask, callTool, readDocument } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

const ANA = 'mcp://twins/member/demo-ana';
const BOT = 'care-bot';
const JSON_TYPE = { 'content-type': 'application/json' };

let server: TestServer;
let ana: string;
let operator: string;

before(async () => {
  server = await startServer();
  ana = await server.token('ana', { scope: 'agents:manage twin:read' });
  operator = await server.token('operator', { scope: 'admin' });
});
after(() => server.stop());

const agents = async (token: string, path = '', init: RequestInit = {}) => {
  const response = await server.fetch(token, `/v1/agents${path}`, init);
  const body = (await response.json()) as { agents?: TrustedAgent[]; error?: { code: string } };
  return { status: response.status, agents: body.agents ?? [], code: body.error?.code };
};
const trust = (token: string, agent: string, body: unknown) =>
  agents(token, `/${agent}`, { method: 'PUT', headers: JSON_TYPE, body: JSON.stringify(body) });
const untrust = (token: string, agent: string, query = '') =>
  agents(token, `/${agent}${query}`, { method: 'DELETE' });
const codeOf = async (token: string, uri: string): Promise<unknown> => {
  const { error } = (await ask(server, token, 'resources/read', { uri })).message;
  return error === undefined ? 'read' : (error.data?.code ?? (error.data?.uri && 'NOT_FOUND'));
};

test('B-AG-3: an agent sees what its person trusts it with, by section, and nothing after', async () => {
  const bot = await server.token('ana', { actor: BOT });
  assert.equal(await codeOf(bot, `${ANA}/care`), 'NOT_FOUND');
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const given = await trust(ana, BOT, { sections: ['profile', 'care'], until });
  assert.equal(given.status, 200);
  const [one] = given.agents.filter(({ agent }) => agent === BOT);
  assert.deepEqual(
    one?.sections.map(({ section, until: end }) => [section, Date.parse(end ?? '')]),
    [
      ['profile', Date.parse(until)],
      ['care', Date.parse(until)],
    ],
  );
  assert.ok(one.since !== undefined && Date.parse(one.since) <= Date.now());
  assert.deepEqual(
    [await codeOf(bot, `${ANA}/care`), await codeOf(bot, `${ANA}/clinical`)],
    ['read', 'NOT_FOUND'],
  );
  const seen = (await agents(ana)).agents.find(({ agent }) => agent === BOT);
  assert.ok(seen?.lastSeen !== undefined && seen.lastSeen >= one.since);
  assert.equal(seen.since, one.since, 'since the first time');
  const replaced = await trust(ana, BOT, { sections: ['clinical'] });
  assert.deepEqual(
    replaced.agents.find(({ agent }) => agent === BOT)?.sections,
    [{ section: 'clinical' }],
    'exactly what was said',
  );
  assert.deepEqual(
    [await codeOf(bot, `${ANA}/care`), await codeOf(bot, `${ANA}/clinical`)],
    ['NOT_FOUND', 'read'],
  );
  const left = await untrust(ana, BOT);
  assert.equal(
    left.agents.some(({ agent }) => agent === BOT),
    false,
  );
  assert.equal(await codeOf(bot, `${ANA}/clinical`), 'NOT_FOUND');
  assert.equal((await untrust(ana, BOT)).status, 404);
});

test('B-AG-3: one section may be taken back alone', async () => {
  await trust(ana, BOT, { sections: ['profile', 'care'] });
  const left = await untrust(ana, BOT, '?section=care');
  assert.deepEqual(left.agents.find(({ agent }) => agent === BOT)?.sections, [
    { section: 'profile' },
  ]);
  assert.equal((await untrust(ana, BOT, '?section=everything')).status, 400);
  await untrust(ana, BOT);
});

test('B-AG-3: no agent, and nobody without a record of their own, manages trust', async () => {
  const scope = 'agents:manage twin:read';
  await trust(ana, BOT, { sections: ['all'] });
  for (const token of await Promise.all([
    server.token('ana', { scope, actor: BOT }),
    server.token(`agent:${BOT}`, { scope }),
    server.token('nurse', { scope }),
    server.token('operator', { scope }),
  ])) {
    assert.equal((await agents(token)).code, 'NOT_FOUND');
    assert.equal((await trust(token, 'other-bot', { sections: ['all'] })).code, 'NOT_FOUND');
    assert.equal((await untrust(token, BOT)).code, 'NOT_FOUND');
  }
  const plain = await server.token('ana');
  assert.equal((await agents(plain)).status, 403, 'the scope is asked for by name');
  const named = (await agents(ana)).agents.map(({ agent }) => agent);
  assert.equal(named.includes('other-bot'), false);
  await untrust(ana, BOT);
});

test('B-AG-3: what is not a trust is refused', async () => {
  for (const body of [
    {},
    { sections: [] },
    { sections: ['everything'] },
    { sections: ['care'], until: 'soon' },
    { sections: ['care'], until: '2020-01-01T00:00:00Z' },
    { sections: ['care'], more: 1 },
  ]) {
    assert.equal((await trust(ana, BOT, body)).code, 'INVALID_ARGUMENT', JSON.stringify(body));
  }
  assert.equal((await trust(ana, 'a%00b', { sections: ['care'] })).status, 400);
});

test('33, 37: an agent alone has no member, and no session of another person', async () => {
  const alone = await server.token('agent:assistant');
  for (const section of ['profile', 'coverage', 'care', 'clinical', 'financial', 'access-log']) {
    assert.equal(await codeOf(alone, `${ANA}/${section}`), 'NOT_FOUND');
  }
  const found = await callTool(server, alone, 'search', { query: 'diabetes' });
  assert.deepEqual(found.structured.results, []);
  await trust(ana, BOT, { sections: ['profile', 'care', 'clinical', 'chat'] });
  const [hers, theirs] = await Promise.all([
    server.token('ana', { actor: BOT }),
    server.token('ben', { actor: BOT }),
  ]);
  const chat = await callTool(server, hers, 'chat', { message: 'Which appointments are next?' });
  const session = String(chat.structured.session);
  assert.match(session, /^mcp:\/\/sessions\//);
  assert.equal(await codeOf(hers, session), 'read');
  assert.equal(await codeOf(theirs, session), 'NOT_FOUND');
  const message = 'And then?';
  const foreign = await callTool(server, theirs, 'chat', { message, session });
  assert.ok(foreign.failed && foreign.text.startsWith('NOT_FOUND'), foreign.text);
  await untrust(ana, BOT);
});

const suspend = (client: string, method: 'PUT' | 'DELETE') =>
  server.fetch(operator, `/v1/suspensions/${encodeURIComponent(client)}`, { method });

for (const [what, name, more] of [
  ['a client', 'https://vendor.example/app.json', { client_id: 'https://vendor.example/app.json' }],
  ['an agent', 'vendor-bot', { actor: 'vendor-bot', client_id: 'platform' }],
] as const) {
  test(`B-AG-4: ${what} that is suspended has nothing left, until it is resumed`, async () => {
    if ('actor' in more) await trust(ana, more.actor, { sections: ['all'] });
    const scope = 'twin:read twin:search twin:chat twin:subscribe sources:write';
    const [token, other] = await Promise.all([
      server.token('ana', { ...more, scope }),
      server.token('ana', { client_id: 'another' }),
    ]);
    await readDocument(server, token, `${ANA}/care`);
    const page = await server.fetch(token, '/v1/changes?cursor=now');
    const { next } = (await page.json()) as { next: string };
    const [stream, theirs, session] = [
      await listen(server, token, [`${ANA}/care`]),
      await listen(server, other, [`${ANA}/care`]),
      await openSession(server, token),
    ];
    const push = await session.push();
    const poll = server.fetch(token, `/v1/changes?cursor=${next}&wait=30`);
    const suspended = await suspend(name, 'PUT');
    assert.deepEqual(await suspended.json(), { clients: [name] });
    await Promise.all([stream.end(), push.end()]);
    assert.notEqual((await poll).status, 200);
    const requests: [string, RequestInit?][] = [
      ['/v1/twins/member/demo-ana/care'],
      [`/v1/changes?cursor=${next}`],
      ['/v1/search?q=diabetes'],
      ['/v1/sources', { method: 'POST', headers: JSON_TYPE, body: '{}' }],
    ];
    for (const [path, init] of requests) {
      const refused = await server.fetch(token, path, init);
      assert.deepEqual([refused.status, /SUSPENDED/.test(await refused.text())], [403, true], path);
    }
    const { answer } = await ask(server, token, 'tools/list', {});
    assert.equal(answer.status, 403);
    assert.equal((await session.send('tools/list', {})).error?.data?.code, 'SUSPENDED');
    await readDocument(server, other, `${ANA}/care`);
    assert.equal(theirs.ended, false, 'nobody else is closed');
    theirs.close();
    assert.equal((await suspend(name, 'DELETE')).status, 200);
    await readDocument(server, token, `${ANA}/care`);
  });
}

test('B-AG-4: only an admin of the tenant suspends, and not the client in their own hand', async () => {
  const own = await suspend('digital-twin-cli', 'PUT');
  assert.equal(own.status, 409);
  for (const as of ['ana', 'officer', 'nurse']) {
    const token = await server.token(as, { scope: 'admin' });
    const refused = await server.fetch(token, '/v1/suspensions/x', { method: 'PUT' });
    assert.equal(refused.status, 404);
  }
  // Nor by way of relations: they would name another tenant.
  const relations = await server.token('operator', { scope: 'relations:write' });
  const relationship = 'client:x#suspended@organization:other';
  const body = JSON.stringify({ changes: [{ operation: 'touch', relationship }] });
  const init = { method: 'POST', headers: JSON_TYPE, body };
  assert.equal((await server.fetch(relations, '/v1/relations', init)).status, 404);
});

test('a privacy officer is told in full why somebody may, others one sentence', async () => {
  const explain = async (as: string, more: Readonly<Record<string, string>> = {}) => {
    const token = await server.token(as, { scope: 'relations:write' });
    const asked = { subject: 'user:ana', permission: 'view_care', object: 'member:demo-ana' };
    const query = new URLSearchParams({ ...asked, ...more });
    const response = await server.fetch(token, `/v1/explain?${query}`);
    return (await response.json()) as Record<string, unknown> & { error?: { message: string } };
  };
  const full = await explain('officer');
  assert.equal(full.allowed, true);
  assert.match(JSON.stringify(full.why), /member:demo-ana#self@user:ana/);
  const untrusted = await explain('officer', { agent: 'stranger' });
  assert.deepEqual([untrusted.allowed, untrusted.suspended], [false, false]);
  assert.match(JSON.stringify(untrusted.trust), /"user:ana trusts_care","holds":false/);
  await trust(ana, 'stranger', { sections: ['care'] });
  assert.equal((await explain('officer', { agent: 'stranger' })).allowed, true);
  await suspend('stranger', 'PUT');
  const closed = await explain('officer', { agent: 'stranger' });
  assert.deepEqual([closed.allowed, closed.suspended], [false, true]);
  await suspend('stranger', 'DELETE');
  await untrust(ana, 'stranger');
  for (const [more, allowed, shown] of [
    [{ purpose: 'HPAYMT' }, false, 'nothing'],
    [{ purpose: 'TREAT' }, true, 'all'],
    [{ scope: 'twin:read:profile' }, false, 'nothing'],
  ] as const) {
    const answer = await explain('officer', more);
    assert.deepEqual([answer.allowed, answer.shown], [allowed, shown]);
  }
  const others = await Promise.all([
    explain('nurse'),
    explain('nurse', { object: 'member:nobody' }),
  ]);
  for (const { error } of others) {
    assert.match(error?.message ?? '', /no relation to this member, or it does not exist. Ask /);
  }
});

test('B-AG-5: a guardian from a later day is listed, and is not one yet', async () => {
  const starts = new Date(Date.now() + 3_600_000).toISOString();
  const text = `member:demo-ben#guardian@user:gus[from:${starts}]`;
  await server.relations('touch', text);
  const gus = await server.token('gus');
  assert.equal(await codeOf(gus, 'mcp://twins/member/demo-ben/care'), 'NOT_FOUND');
  const token = await server.token('operator', { scope: 'relations:write' });
  const found = await server.fetch(
    token,
    '/v1/relations?type=member&id=demo-ben&relation=guardian',
  );
  assert.match(await found.text(), /user:gus\[from:/);
  await server.relations('delete', 'member:demo-ben#guardian@user:gus');
});
