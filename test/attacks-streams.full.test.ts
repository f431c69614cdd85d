import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { LIMITS } from '../src/kernel/limits.ts';
import { ask, callTool, resultOf } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage, nextCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession, type RawStream } from './support/streams.ts';

/** security.md §6, 84–90: cursors and keys that go through the client, and floods. */
const BEN_COVERAGE = 'mcp://twins/member/demo-ben/coverage';

let server: TestServer;
let ana: string;
let ben: string;
let tried = 0;
before(async () => {
  server = await startServer();
  ana = await server.token('ana');
  ben = await server.token('ben');
});
after(async () => {
  console.log(`# stream and state attacks tried: ${tried}`);
  await server.stop();
});

test('B-FM-6: 84: a forged or foreign cursor is -32602, for lists, feeds and search alike', async () => {
  const feed = await resultOf(server, ana, 'resources/read', { uri: 'mcp://twins/changes/now' });
  const [content] = feed.contents as { text: string }[];
  const { next } = (JSON.parse(content?.text ?? '{}') as { data: { next: string } }).data;
  assert.ok(next.length > 40);
  for (const cursor of ['A', 'A'.repeat(2_000), next, '../now', '__proto__']) {
    tried += 3;
    const search = { query: 'coverage', cursor };
    assert.equal((await callTool(server, ben, 'search', search)).failed, true, cursor);
    const list = await ask(server, ben, 'resources/list', { cursor });
    assert.equal(list.message.error?.code, -32602, cursor);
    const uri = `mcp://twins/changes/${cursor}`;
    const read = await ask(server, ben, 'resources/read', { uri });
    assert.equal(read.message.error?.code, -32602, cursor);
  }
});

test('B-FM-6: 85: an idempotency key with another body gets the first receipt, or a conflict', async () => {
  const operator = await server.token('operator', { scope: 'sources:write' });
  const send = (body: string) =>
    server.fetch(operator, '/v1/sources?source=test', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json', 'idempotency-key': 'attack-85-key' },
      body,
    });
  const [first, second] = [nextCoverage(), nextCoverage()];
  tried += 1;
  const before = await send(first.bundle);
  const after = await send(second.bundle);
  if (after.status !== 409) assert.deepEqual(await after.json(), await before.json());
  const read = await callTool(server, ana, 'readDocument', { uri: ANA_COVERAGE, view: 'detail' });
  assert.ok(!read.text.includes(second.product), 'the other body had an effect');
});

test('B-MC-16, B-FM-6: 86: past its cap a principal gets 429 for a listen, and nobody else does', async () => {
  const cap = LIMITS.streamsPerPrincipalMax;
  const streams: RawStream[] = [];
  for (let tens = 0; tens < 100; tens += 1) {
    tried += 10;
    const ten = Array.from({ length: 10 }, () => listen(server, ben, [BEN_COVERAGE]));
    streams.push(...(await Promise.all(ten)));
  }
  const statuses = streams.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, cap);
  assert.equal(statuses.filter((status) => status === 429).length, 1_000 - cap);
  const refused = streams.find(({ status }) => status === 429);
  assert.equal(refused?.refusal?.data?.code, 'RATE_LIMITED');
  const other = await listen(server, ana, [ANA_COVERAGE]);
  assert.deepEqual(other.acknowledged, [ANA_COVERAGE]);
  await changeCoverage(server);
  await other.heard(1);
  for (const stream of [other, ...streams]) stream.close();
});

test('B-FM-6: 87: 60,000 URIs in a listen are refused whole, in few words', async () => {
  const uris = Array.from({ length: 60_000 }, (_, n) => `mcp://m/${n}`);
  tried += 1;
  const stream = await listen(server, ana, uris);
  assert.equal(stream.status, 400);
  assert.ok(stream.ended);
  assert.ok(JSON.stringify(stream.refusal).length < 1_000);
});

async function streamsOpen(): Promise<number> {
  const admin = await server.token('operator', { scope: 'admin' });
  const text = await (await server.fetch(admin, '/metrics')).text();
  return [...text.matchAll(/^\w*streams\w*\{[^}]*kind="listen"[^}]*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}

test('B-FM-6: 88: streams that open and close at once leave nothing behind', async () => {
  const before = await streamsOpen();
  const open = await listen(server, ana, [ANA_COVERAGE]);
  assert.equal(await streamsOpen(), before + 1);
  open.close();
  for (let n = 0; n < 200; n += 1) {
    tried += 1;
    (await listen(server, ana, [ANA_COVERAGE])).close();
  }
  const deadline = Date.now() + 5_000;
  while ((await streamsOpen()) > before && Date.now() < deadline) await sleep(50);
  assert.equal(await streamsOpen(), before);
});

test('B-FM-6: 89: who listened before the permission was given is told only after listening anew', async () => {
  tried += 1;
  const early = await listen(server, ben, [ANA_COVERAGE]);
  assert.deepEqual(early.acknowledged, []);
  const relation = 'member:demo-ana#guardian@user:ben';
  await server.relations('touch', relation);
  const late = await listen(server, ben, [ANA_COVERAGE]);
  assert.deepEqual(late.acknowledged, [ANA_COVERAGE]);
  await changeCoverage(server);
  await late.heard(1);
  assert.deepEqual(early.told, []);
  await server.relations('delete', relation);
  await late.end();
  early.close();
});

test('B-FM-6: 90: cancellations and progress of requests that nobody made are taken, and change nothing', async () => {
  const session = await openSession(server, ana);
  for (let n = 0; n < 100; n += 1) {
    tried += 2;
    await session.send('notifications/cancelled', { requestId: n, reason: 'x'.repeat(1_000) });
    await session.send('notifications/progress', { progressToken: n, progress: n });
  }
  const { result } = await session.send('resources/read', { uri: ANA_COVERAGE });
  assert.ok(result);
});
