import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { BrokerStatus, CheckAnswer, CheckReport } from '../src/contract/eligibility.ts';
import { sleep } from '../src/kernel/clock.ts';
import { ask, resultOf } from './support/ask.ts';
import { ended, type TestClearinghouse, testClearinghouse } from './support/eligibility.ts';
import { realtime } from './support/realtime.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/** Checks over HTTP, MCP and the command line, with a clearinghouse that counts. */
const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
const FRESHNESS = 'io.digital-twin/freshness';

let house: TestClearinghouse;
let server: TestServer;
let ana: string;

before(async () => {
  house = await testClearinghouse(15, 0.02);
  server = await startServer({ env: house.env });
  ana = await server.token('ana', { scope: 'twin:read eligibility:check' });
});
after(async () => {
  await server?.stop();
  await house?.stop();
});

async function check(
  body: Readonly<Record<string, unknown>>,
  token = ana,
): Promise<{ status: number; headers: Headers; answer: CheckAnswer }> {
  const response = await server.fetch(token, '/v1/eligibility/checks', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ member: 'demo-ana', ...body }),
  });
  const answer = (await response.json()) as CheckAnswer;
  return { status: response.status, headers: response.headers, answer };
}

const calls = async (): Promise<number> => (await house.seen()).checks;

async function eligibility(): Promise<{ status: string; check?: string }> {
  const response = await server.fetch(ana, '/v1/twins/member/demo-ana/coverage');
  const { data } = (await response.json()) as { data: { eligibility: { status: string } } };
  return data.eligibility;
}

test('B-EL-27: a check is answered at once, shows in the twin while it runs, and then as a fact', async () => {
  await house.set({ profile: 'slow' });
  const { status, headers, answer } = await check({ mode: 'REQUIRE_FRESH' });
  assert.equal(status, 202);
  assert.equal(headers.get('location'), `/v1/eligibility/checks/${answer.checkId}`);
  assert.deepEqual(
    [answer.status, answer.document, answer.topic],
    ['processing', COVERAGE, 'rte-completion'],
  );
  assert.ok(answer.expectedWaitMs > 0);
  const report = await ended(server, 'ana', answer.checkId);
  assert.deepEqual([report.state, report.eligibility, report.attempt], ['completed', 'active', 1]);
  const shown = await eligibility();
  assert.deepEqual([shown.status, shown.check], ['active', answer.checkId]);
  await house.set({ profile: 'stalled' });
  const stalled = await check({ mode: 'REQUIRE_FRESH' });
  while ((await eligibility()).status !== 'processing') await sleep(20);
  await house.set({ profile: 'normal' });
  assert.equal((await ended(server, 'ana', stalled.answer.checkId)).state, 'completed');
});

test('B-EL-28: each mode asks the payer only where it must, and a kept answer says its age', async () => {
  const before = await calls();
  for (const mode of ['PREFER_CACHE', 'DEFAULT']) {
    const { status, answer } = await check({ mode });
    assert.deepEqual([status, answer.status, answer.eligibility], [200, 'cached', 'active']);
    assert.ok((answer.ageMs ?? 0) > 0);
  }
  assert.equal(await calls(), before);
  const fresh = await check({ mode: 'REQUIRE_FRESH' });
  assert.equal(fresh.status, 202);
  await ended(server, 'ana', fresh.answer.checkId);
  assert.equal(await calls(), before + 1);
});

test('whoever is subscribed to rte-completion is told: under way, then the answer with its position', async () => {
  const reader = await server.token('ana');
  const client = await realtime(server, reader);
  await client.subscribe({ id: 'rte', topics: ['rte-completion'] });
  const { answer } = await check({ mode: 'REQUIRE_FRESH' });
  await client.until(() => client.events.some(({ type }) => type === 'rte.completed'));
  const mine = client.events.filter((event) => JSON.stringify(event).includes(answer.checkId));
  assert.deepEqual(
    mine.map(({ type }) => type),
    ['rte.processing', 'rte.completed'],
  );
  assert.ok(mine[1]?.position);
  client.close();
});

test('a caller who cannot change yet is held, bounded, counted and told of the end of it', async () => {
  const held = await check({ mode: 'REQUIRE_FRESH', waitMs: 30_000 });
  assert.deepEqual([held.status, held.answer.status], [200, 'completed']);
  assert.ok(held.headers.has('deprecation') && held.headers.has('sunset'));
  await house.set({ profile: 'stalled' });
  const fell = await check({ mode: 'REQUIRE_FRESH', waitMs: 1 });
  assert.deepEqual([fell.status, fell.answer.status], [202, 'processing']);
  await house.set({ profile: 'normal' });
  await ended(server, 'ana', fell.answer.checkId);
});

test('the same key of the same caller is the same check, and never another question', async () => {
  const key = { mode: 'REQUIRE_FRESH', idempotencyKey: 'visit-1' };
  const before = await calls();
  const ids = await Promise.all([check(key), check(key), check(key)]);
  assert.equal(new Set(ids.map(({ answer }) => answer.checkId)).size, 1);
  await ended(server, 'ana', ids[0].answer.checkId);
  assert.equal((await check(key)).answer.status, 'completed');
  assert.equal(await calls(), before + 1);
  assert.equal((await check({ ...key, serviceTypes: ['MH'] })).status, 409);
});

test('B-EL-29: whoever may not check a member sees what nobody sees, and wrong words are errors', async () => {
  const eve = await server.token('eve', { scope: 'twin:read eligibility:check' });
  const [denied, absent] = [await check({}, eve), await check({ member: 'nobody' })];
  const said = ({ answer }: typeof denied) => {
    const { code, message } = (answer as unknown as { error: { code: string; message: string } })
      .error;
    return { code, message };
  };
  assert.deepEqual([denied.status, said(denied)], [absent.status, said(absent)]);
  assert.equal(denied.status, 404);
  const { answer } = await check({ mode: 'REQUIRE_FRESH' });
  assert.equal((await server.fetch(eve, `/v1/eligibility/checks/${answer.checkId}`)).status, 404);
  await ended(server, 'ana', answer.checkId);
  const reader = await server.token('ana', { scope: 'twin:read' });
  assert.equal((await check({}, reader)).status, 403);
  for (const wrong of [
    { mode: 'FRESH' },
    { extra: 1 },
    { provider: '1234567890' },
    { waitMs: -1 },
  ]) {
    assert.equal((await check(wrong)).status, 400, JSON.stringify(wrong));
  }
  const path = '/v1/eligibility/checks?wait=soon';
  const headers = { 'content-type': 'application/json' };
  const json = { method: 'POST', headers, body: JSON.stringify({ member: 'demo-ana' }) };
  assert.equal((await server.fetch(ana, path, json)).status, 400);
});

test('B-EL-30: over MCP a read starts a check only where freshness asks for it', async () => {
  const before = await calls();
  const read = (meta: object, args: object = {}) =>
    resultOf(
      server,
      ana,
      'tools/call',
      { name: 'readDocument', arguments: { uri: COVERAGE, ...args } },
      { ...meta },
    );
  await read({});
  assert.equal(await calls(), before);
  const result = await read({}, { freshness: { mode: 'REQUIRE_FRESH' } });
  const told = (result._meta as Record<string, CheckAnswer>)[FRESHNESS];
  assert.equal(told?.status, 'processing');
  assert.match(JSON.stringify(result.content), /check is under way/);
  await ended(server, 'ana', told?.checkId ?? '');
  assert.equal(await calls(), before + 1);
  const kept = await resultOf(
    server,
    ana,
    'resources/read',
    { uri: COVERAGE },
    { [FRESHNESS]: {} },
  );
  assert.equal((kept._meta as Record<string, CheckAnswer>)[FRESHNESS]?.status, 'cached');
  const old = { [FRESHNESS]: { maxAgeMs: 0 } };
  const aged = await resultOf(server, ana, 'resources/read', { uri: COVERAGE }, old);
  const again = (aged._meta as Record<string, CheckAnswer>)[FRESHNESS];
  assert.equal(again?.status, 'processing');
  await ended(server, 'ana', again?.checkId ?? '');
  const elsewhere = COVERAGE.replace('coverage', 'profile');
  const refused = await ask(server, ana, 'resources/read', { uri: elsewhere }, old);
  assert.equal(refused.message.error?.code, -32602);
});

test('the command line asks, waits and shows slots and queues', async () => {
  const at = ['--data-dir', server.dataDir, '--json'];
  const asked = await run(LAUNCHER, [
    ...['eligibility', 'check', 'demo-ana', '--as', 'ana', '--mode', 'REQUIRE_FRESH'],
    ...['--wait', '60', ...at],
  ]);
  assert.equal(asked.code, 0, asked.stderr);
  const report = JSON.parse(asked.stdout) as CheckReport;
  assert.deepEqual([report.status, report.eligibility], ['completed', 'active']);
  const shown = await run(LAUNCHER, ['eligibility', 'status', ...at]);
  const status = JSON.parse(shown.stdout) as BrokerStatus;
  assert.deepEqual([status.decides, status.slots?.most], [true, 15]);
  assert.ok(status.saved.fromCache >= 3);
  const plain = await run(LAUNCHER, ['eligibility', 'status', '--data-dir', server.dataDir]);
  assert.match(plain.stdout, /slots {2}\[\.{30}\] 0 of 15/);
});

test('beside, the old interface is asked in the same slot, and compared; held, as it was', async () => {
  const operator = await server.token('operator', { scope: 'admin' });
  const flag = (value: string) =>
    server.fetch(operator, '/v1/flags', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'rte-mode', value }),
    });
  const metric = async (name: string): Promise<number> => {
    const text = await (await server.fetch(operator, '/metrics')).text();
    return Number(new RegExp(`^digital_twin_eligibility_${name} (\\S+)$`, 'm').exec(text)?.[1]);
  };
  assert.ok((await flag('shadow')).ok);
  const before = await calls();
  const { answer } = await check({ mode: 'REQUIRE_FRESH' });
  await ended(server, 'ana', answer.checkId);
  while ((await metric('shadow_total')) < 1) await sleep(20);
  assert.equal(await calls(), before + 2);
  const text = await (await server.fetch(operator, '/metrics')).text();
  assert.doesNotMatch(text, /shadow_differences_total\{/, 'both interfaces say the same');
  assert.ok((await flag('sync')).ok);
  const held = await check({ mode: 'REQUIRE_FRESH' });
  assert.deepEqual([held.status, held.answer.status], [200, 'completed']);
  assert.ok((await flag('events')).ok);
});
