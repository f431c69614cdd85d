/** Who breaks the glass, who does not, and what is told of it, at one real server. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { REASON_CODES } from '../src/contract/break-glass.ts';
import { PURPOSES } from '../src/twin/purposes.ts';
import { ask, callTool, resultOf } from './support/ask.ts';
import {
  breakGlass,
  casesOf,
  entriesOf,
  fresh,
  post,
  READING,
  WORDS,
} from './support/break-glass.ts';
import { bundleOf, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

const META = 'io.digital-twin/breakGlass';
let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

const section = (member: string, name = 'clinical') => `/v1/twins/member/${member}/${name}`;
const statusOf = async (token: string, path: string): Promise<number> =>
  (await server.fetch(token, path)).status;

test('B-BG-2: a login that is too old, or too weak, is told which would do, and opens nothing', async () => {
  const token = await server.token('eve', { scope: READING });
  const { status, headers } = await breakGlass(server, token, 'demo-ben');
  assert.equal(status, 401);
  const challenge = headers.get('www-authenticate') ?? '';
  assert.match(challenge, /error="insufficient_user_authentication"/);
  assert.match(challenge, /acr_values="urn:digital-twin:acr:code", max_age="300"/);
  assert.equal(await statusOf(token, section('demo-ben')), 404);
});

test('B-BG-2: neither agents, alone or for a person, nor other roles, nor another tenant', async () => {
  const bundle = bundleOf(patient('far-off'));
  const other = await server.token('far-operator', { scope: 'sources:write', tenant: 'far' });
  const headers = { 'content-type': 'application/fhir+json' };
  const sent = { method: 'POST', headers, body: bundle };
  assert.equal((await server.fetch(other, '/v1/sources?source=x', sent)).status, 201);
  const refused = async (as: string, member: string, more: object = {}) => {
    const { status, body } = await breakGlass(server, await fresh(server, as, more), member);
    return [status, body.error?.code, body.error?.message];
  };
  const alone = await refused('agent:assistant', 'demo-ben');
  assert.deepEqual(alone.slice(0, 2), [404, 'NOT_FOUND']);
  assert.deepEqual(await refused('eve', 'demo-ben', { actor: 'assistant' }), alone);
  const unknown = await refused('eve', 'nobody-of-that-id');
  assert.deepEqual(unknown.slice(0, 2), [404, 'NOT_FOUND']);
  assert.deepEqual(await refused('eve', 'far-off'), unknown, 'another tenant’s is as none');
  for (const as of ['ana', 'operator', 'officer', 'somebody']) {
    assert.deepEqual(await refused(as, 'demo-ben'), unknown, as);
  }
  assert.equal((await refused('eve', 'demo-ben', { scope: 'twin:read' }))[1], 'INSUFFICIENT_SCOPE');
  const eve = await fresh(server, 'eve');
  assert.deepEqual(await casesOf(server, eve), []);
  const denied = (await entriesOf(server, 'ben', 'demo-ben')).filter(
    ({ action, outcome }) => action === 'break-glass' && outcome === 'denied',
  );
  assert.ok(denied.length >= 5, 'each refusal about a member is in their log');
});

test('B-BG-1: reason, words, minutes and member have their bounds; what was sent is not repeated', async () => {
  const eve = await fresh(server, 'eve');
  for (const wrong of [
    { reason: 'HMARKT' },
    { reason: '' },
    { text: 'short' },
    { text: 'x'.repeat(1_001) },
    { text: `${WORDS}\u0000` },
    { minutes: 0 },
    { minutes: 241 },
    { minutes: 1.5 },
    { minutes: '60' },
    { member: '../demo-ben' },
    { member: '' },
    { more: true },
  ]) {
    const { status, body } = await breakGlass(server, eve, 'demo-ben', wrong);
    assert.equal(status, 400, JSON.stringify(wrong));
    assert.doesNotMatch(JSON.stringify(body), /QUARTZPIT/);
  }
  assert.deepEqual(await casesOf(server, eve), []);
  for (const code of REASON_CODES) assert.ok(PURPOSES.has(code), `${code} is judged`);
});

test('B-BG-1: one member opens, for as long as was said, and nothing else of anybody', async () => {
  const eve = await fresh(server, 'eve');
  const began = Date.now();
  const { status, body } = await breakGlass(server, eve, 'demo-ben', { minutes: 240 });
  assert.equal(status, 201);
  const lifeMs = Date.parse(body.until) - began;
  assert.ok(lifeMs > 239 * 60_000 && lifeMs <= 240 * 60_000 + 5_000);
  const statuses = await Promise.all(
    ['profile', 'coverage', 'care', 'clinical', 'financial', 'access-log'].map((name) =>
      statusOf(eve, section('demo-ben', name)),
    ),
  );
  assert.deepEqual(statuses, [200, 200, 200, 200, 404, 404]);
  assert.equal(await statusOf(eve, section('demo-cleo')), 404);
  const again = await breakGlass(server, eve, 'demo-ben');
  assert.deepEqual([again.status, again.body.error?.code], [409, 'CONFLICT']);
  const opened = (await entriesOf(server, 'ben', 'demo-ben')).find(
    ({ action, outcome }) => action === 'break-glass' && outcome === 'success',
  );
  assert.equal(opened?.who, 'user:eve');
  assert.match(
    String(opened?.right),
    /^break-glass opened until .*: ETREAT, treatment in an emerg/,
  );
  assert.equal((await post(server, eve, `/v1/break-glass/${body.id}/end`)).status, 200);
  assert.equal(await statusOf(eve, section('demo-ben')), 404);
});

test('B-BG-4: every answer says so on each surface, and none once it has ended', async () => {
  const eve = await fresh(server, 'eve');
  const { id, until } = (await breakGlass(server, eve, 'demo-ben')).body;
  const banner = [{ member: 'demo-ben', id, reason: 'ETREAT', until }];
  const uri = 'mcp://twins/member/demo-ben/clinical';
  const metaOf = async (method: string, params: object) =>
    ((await resultOf(server, eve, method, { ...params }))._meta as Record<string, unknown>)[META];
  const surfaces = async () => ({
    read: await metaOf('resources/read', { uri }),
    list: await metaOf('resources/list', {}),
    feed: await metaOf('resources/read', { uri: 'mcp://twins/changes/now' }),
    prompt: await metaOf('prompts/get', { name: 'visit-prep', arguments: { member: 'demo-ana' } }),
    search: (await callTool(server, eve, 'search', { query: 'plan' })).meta[META],
    named: (await callTool(server, eve, 'search', { query: 'zz', member: 'demo-ana' })).meta[META],
    document: (await callTool(server, eve, 'readDocument', { uri: 'mcp://twins/changes/now' }))
      .meta[META],
    chat: (await callTool(server, eve, 'chat', { message: 'plan?', member: 'demo-ana' })).meta[
      META
    ],
  });
  for (const [surface, told] of Object.entries(await surfaces())) {
    assert.deepEqual(told, banner, surface);
  }
  const { text } = await callTool(server, eve, 'readDocument', { uri });
  assert.match(text, /^BREAK-GLASS: the record of demo-ben is open to you until /);
  const header = `"demo-ben";reason=ETREAT;until="${until}";id="${id}"`;
  const plain = await server.fetch(eve, section('demo-ben'));
  assert.equal(plain.headers.get('break-glass'), header);
  const etag = plain.headers.get('etag') ?? '';
  const unchanged = await server.fetch(eve, section('demo-ben'), {
    headers: { 'if-none-match': etag },
  });
  assert.deepEqual([unchanged.status, unchanged.headers.get('break-glass')], [304, header]);
  for (const path of ['/v1/search?q=plan', '/v1/changes?cursor=now']) {
    assert.equal((await server.fetch(eve, path)).headers.get('break-glass'), header, path);
  }
  const ben = await server.fetch(await server.token('ben'), section('demo-ben'));
  assert.equal(ben.headers.get('break-glass'), null, 'not for others');
  const about = await server.fetch(eve, section('demo-ana'));
  assert.equal(about.headers.get('break-glass'), null, 'not about others');
  await post(server, eve, `/v1/break-glass/${id}/end`);
  const listed = await resultOf(server, eve, 'resources/list', {});
  const search = await callTool(server, eve, 'search', { query: 'plan' });
  const meta = (listed._meta ?? {}) as Record<string, unknown>;
  assert.deepEqual([meta[META], search.meta[META]], [undefined, undefined]);
  const feed = await server.fetch(eve, '/v1/changes?cursor=now');
  assert.equal(feed.headers.get('break-glass'), null);
});

test('B-BG-4: an agent that acts for the person sees it by the person’s trust alone, and is told', async () => {
  const eve = await fresh(server, 'eve');
  const { id } = (await breakGlass(server, eve, 'demo-ben')).body;
  await server.relations('touch', 'user:eve#agent_clinical@agent:scribe');
  const scribe = await server.token('eve', { actor: 'scribe' });
  const read = await server.fetch(scribe, section('demo-ben'));
  assert.equal(read.status, 200);
  assert.match(String(read.headers.get('break-glass')), /"demo-ben";reason=ETREAT/);
  assert.equal(await statusOf(scribe, section('demo-ben', 'care')), 404);
  const end = await post(
    server,
    await fresh(server, 'eve', { actor: 'scribe' }),
    `/v1/break-glass/${id}/end`,
  );
  assert.equal(end.status, 404);
  await post(server, eve, `/v1/break-glass/${id}/end`);
  assert.equal(await statusOf(scribe, section('demo-ben')), 404);
});

test('B-BG-3: ended, or with its client suspended, it shows nothing, and its streams end', async () => {
  const uri = 'mcp://twins/member/rushed/profile';
  const change = (family: string) =>
    server.importBundle(bundleOf(patient('rushed', { name: [{ family }] })));
  await change('First');
  const operator = await server.token('operator', { scope: 'admin' });
  const suspend = async (method: 'PUT' | 'DELETE') => {
    const { status } = await server.fetch(operator, '/v1/suspensions/ward-app', { method });
    assert.equal(status, 200);
  };
  const ways = [
    (id: string, eve: string) => post(server, eve, `/v1/break-glass/${id}/end`),
    () => suspend('PUT'),
  ];
  for (const close of ways) {
    const eve = await fresh(server, 'eve', { client_id: 'ward-app' });
    const { id } = (await breakGlass(server, eve, 'rushed')).body;
    const page = await server.fetch(eve, '/v1/changes?cursor=now');
    const { next } = (await page.json()) as { next: string };
    const stream = await listen(server, eve, [uri]);
    assert.deepEqual(stream.acknowledged, [uri]);
    const older = await openSession(server, eve);
    await older.send('resources/subscribe', { uri });
    const push = await older.push();
    await close(id, eve);
    await stream.end();
    const told = [stream.told.length, push.told.length];
    await change(`After ${id}`);
    const status = await statusOf(eve, section('rushed', 'profile'));
    assert.ok(status === 404 || status === 403, String(status));
    const feed = await server.fetch(eve, `/v1/changes?cursor=${next}`);
    assert.doesNotMatch(await feed.text(), /"(created|updated)"/);
    assert.deepEqual([stream.told.length, push.told.length], told);
    push.close();
  }
  await suspend('DELETE');
  const officer = await server.token('officer', { scope: 'breakglass' });
  for (const { id } of await casesOf(server, officer, '?filter=open')) {
    await post(server, officer, `/v1/break-glass/${id}/end`);
  }
});

test('B-BG-1: the purpose in the token narrows what opens, as ever', async () => {
  const eve = await fresh(server, 'eve', { purpose: 'HPAYMT' });
  const { id } = (await breakGlass(server, eve, 'demo-ben')).body;
  const { message } = await ask(server, eve, 'resources/read', {
    uri: 'mcp://twins/member/demo-ben/clinical',
  });
  assert.equal(message.error?.data?.code, 'PURPOSE_REFUSED');
  assert.equal(await statusOf(eve, section('demo-ben', 'coverage')), 200);
  await post(server, eve, `/v1/break-glass/${id}/end`);
});

test('B-BG-6: each case waits for one review by an officer who is not its person', async () => {
  const nurse = await fresh(server, 'nurse');
  const officer = await server.token('officer', { scope: 'breakglass' });
  const { id } = (await breakGlass(server, nurse, 'demo-dov', { reason: 'BTG' })).body;
  const review = (token: string, body: object = { outcome: 'not-justified', text: 'why not' }) =>
    post<{ review: object }>(server, token, `/v1/break-glass/${id}/review`, body);
  assert.equal((await review(officer)).status, 409, 'still open');
  const listed = await casesOf(server, officer, '?filter=open');
  assert.deepEqual([listed[0]?.id, listed[0]?.text], [id, WORDS]);
  assert.equal((await post(server, officer, `/v1/break-glass/${id}/end`)).status, 200);
  assert.equal((await review(nurse)).status, 404, 'no officer');
  await server.relations('touch', 'organization:demo#privacy_officer@user:nurse');
  const both = await review(nurse);
  assert.deepEqual([both.status, both.body.error?.code], [409, 'CONFLICT'], 'their own');
  await server.relations('delete', 'organization:demo#privacy_officer@user:nurse');
  assert.equal((await review(officer, { outcome: 'fine' })).status, 400);
  const done = await review(officer);
  assert.equal(done.status, 200);
  assert.match(JSON.stringify(done.body.review), /not-justified.*why not.*officer/);
  assert.equal((await review(officer)).status, 409, 'once');
  assert.ok((await casesOf(server, officer, '?filter=unreviewed')).every((one) => one.id !== id));
  const far = await server.token('officer', { scope: 'breakglass', tenant: 'far' });
  assert.equal((await post(server, far, `/v1/break-glass/${id}/end`)).status, 404);
  assert.equal(await statusOf(far, '/v1/break-glass?filter=all'), 404);
  const eve = await server.token('eve', { scope: 'breakglass' });
  assert.equal((await post(server, eve, `/v1/break-glass/${id}/end`)).status, 404, 'another’s');
  assert.equal(await statusOf(eve, '/v1/break-glass?filter=all'), 404);
});

test('B-BG-6: the queue goes on page by page, each case once', async () => {
  const officer = await server.token('officer', { scope: 'breakglass' });
  const all = await casesOf(server, officer, '?filter=all');
  assert.ok(all.length >= 4);
  const seen: string[] = [];
  for (let cursor = ''; ; ) {
    const response = await server.fetch(officer, `/v1/break-glass?filter=all&limit=1${cursor}`);
    const { cases, next } = (await response.json()) as { cases: { id: string }[]; next?: string };
    seen.push(...cases.map(({ id }) => id));
    if (next === undefined) break;
    cursor = `&cursor=${next}`;
  }
  assert.deepEqual(
    seen,
    all.map(({ id }) => id),
  );
  for (const wrong of [
    'filter=some',
    'filter=all&limit=0',
    `filter=all&cursor=${'a'.repeat(26)}`,
  ]) {
    assert.equal(await statusOf(officer, `/v1/break-glass?${wrong}`), 400, wrong);
  }
});

test('B-BG-1: one person has only so many open at once', async () => {
  const members = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'].map((id) => `many-${id}`);
  await server.importBundle(bundleOf(...members.map((id) => patient(id))));
  await server.relations('touch', 'organization:demo#coordinator@user:busy');
  const busy = await fresh(server, 'busy');
  const statuses: number[] = [];
  for (const member of members) statuses.push((await breakGlass(server, busy, member)).status);
  assert.deepEqual(statuses, [201, 201, 201, 201, 201, 409]);
});

test('B-BG-5: the person’s words are in no log line and in no row of the audit', async () => {
  assert.doesNotMatch(server.output(), /QUARTZPIT/);
  for (const name of ['audit.db', 'audit.db-wal']) {
    const bytes = readFileSync(join(server.dataDir, name));
    assert.equal(bytes.includes('QUARTZPIT'), false, name);
  }
  const officer = await server.token('officer', { scope: 'audit:read' });
  const from = new Date(Date.now() - 3_600_000).toISOString();
  const exported = await server.fetch(officer, `/v1/audit/events?from=${from}&member=demo-ben`);
  const events = (await exported.text()).split('\n').filter((line) => line.includes('110113'));
  const kinds = events.filter((line) => /Emergency Override Started/.test(line));
  assert.ok(kinds.length > 0 && events.some((line) => /Emergency Override Stopped/.test(line)));
});
