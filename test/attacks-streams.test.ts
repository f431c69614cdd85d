import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { ask, callTool, messageOf, type RpcMessage, resultOf } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage, nextCoverage } from './support/changes.ts';
import { modernMessage } from './support/raw.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

/** security.md §6, 41, 83–90: state that goes through the client, floods, and the same over stdio. */
let server: TestServer;
let ana: string;
let ben: string;
let tried = 0;
before(async () => {
  server = await startServer({ args: ['--conformance'] });
  ana = await server.token('ana');
  ben = await server.token('ben');
});
after(async () => {
  console.log(`# stream and state attacks tried: ${tried}`);
  await server.stop();
});

const neutral = (message: unknown, member: string): string =>
  JSON.stringify(message)
    .replaceAll(member, 'MEMBER')
    .replace(/"io\.digital-twin\/correlationId":"\w+"/, '');

test('B-FM-6: 41: a 2025 subscription says the same of a forbidden and of an absent member', async () => {
  const session = await openSession(server, ben);
  const said = [];
  for (const member of ['demo-ana', 'demo-dov', 'no-such-member']) {
    tried += 1;
    const uri = `mcp://twins/member/${member}/coverage`;
    const message = await session.send('resources/subscribe', { uri });
    assert.equal(message.error?.code, -32602);
    said.push(neutral(message.error, member));
  }
  assert.equal(new Set(said).size, 1);
});

/** The first round of a fixture whose state is signed; it answers what a client has to send back. */
async function firstRound(token: string, name: string) {
  const { requestState } = await resultOf(
    server,
    token,
    'tools/call',
    { name, arguments: {} },
    ASKS,
  );
  return String(requestState);
}
const ASKS = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
const CONFIRM = { confirm: { action: 'accept', content: { ok: true } } };
const TOOL = 'test_input_required_result_request_state';

async function secondRound(token: string, name: string, requestState: string) {
  tried += 1;
  const params = { name, arguments: {}, inputResponses: CONFIRM, requestState };
  return (await ask(server, token, 'tools/call', params, ASKS)).message;
}

test('B-FM-6: 83: state of a first round serves its own principal and tool, and nobody else', async () => {
  const state = await firstRound(ana, TOOL);
  const own = await secondRound(ana, TOOL, state);
  assert.match(JSON.stringify(own.result?.content), /state-ok/);
  const [body = '', mac = ''] = state.split('.').slice(1);
  for (const forged of [
    `${state}x`,
    `v1.${body}.${mac.slice(1)}`,
    `v1.${Buffer.from('{"p":{"round":9}}').toString('base64url')}.${mac}`,
    'v1.',
    '',
    `v1.${'A'.repeat(500_000)}`,
  ]) {
    const { error, result } = await secondRound(ana, TOOL, forged);
    assert.ok(
      error?.code === -32602 || result?.resultType === 'input_required',
      forged.slice(0, 40),
    );
    assert.ok(JSON.stringify({ error, result }).length < 2_000);
  }
  const foreign = await secondRound(ben, TOOL, state);
  assert.equal(foreign.error?.code, -32602, 'another principal');
  const other = await secondRound(ana, 'test_input_required_result_tampered_state', state);
  assert.equal(other.result?.resultType, 'input_required', 'another tool asks anew');
});

test('B-FM-6: 83: state without what was asked for completes nothing', async () => {
  const state = await firstRound(ana, TOOL);
  const params = { name: TOOL, arguments: {}, requestState: state };
  tried += 1;
  const { message } = await ask(server, ana, 'tools/call', params, ASKS);
  assert.equal(message.result?.resultType, 'input_required');
});

test('B-FM-6: 84: a forged or foreign cursor is -32602, for lists, feeds and search alike', async () => {
  const feed = await resultOf(server, ana, 'resources/read', { uri: 'mcp://twins/changes/now' });
  const [content] = feed.contents as { text: string }[];
  const { next } = (JSON.parse(content?.text ?? '{}') as { data: { next: string } }).data;
  assert.ok(next.length > 40);
  for (const cursor of ['A', 'A'.repeat(2_000), next, '../now', '__proto__']) {
    tried += 2;
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

test('B-FM-6: 87: 20,000 URIs in a listen are refused whole, in few words', async () => {
  const uris = Array.from({ length: 20_000 }, (_, n) => `mcp://twins/member/m${n}/care`);
  tried += 1;
  const stream = await listen(server, ana, uris);
  assert.equal(stream.status, 400);
  assert.ok(stream.ended);
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

type Bridge = ChildProcessByStdio<Writable, Readable, null>;

/** Lines to the stdio bridge, and the messages that come back for the ids that were asked. */
async function overStdio(lines: readonly string[], ids: number): Promise<RpcMessage[]> {
  const args = [LAUNCHER, 'stdio', '--as', 'ben', '--data-dir', server.dataDir];
  const bridge: Bridge = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const answers: RpcMessage[] = [];
  let rest = '';
  bridge.stdout.on('data', (chunk) => {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) answers.push(messageOf(part));
  });
  for (const line of lines) bridge.stdin.write(`${line}\n`);
  const deadline = Date.now() + 15_000;
  while (answers.length < ids && Date.now() < deadline) await sleep(20);
  bridge.stdin.end();
  await new Promise((resolve) => bridge.once('close', resolve));
  assert.equal(rest, '', 'only whole messages stand on stdout');
  return answers;
}

test('B-FM-6: 40, 43–66 over stdio: the bridge refuses as HTTP does, and goes on', async () => {
  const uris = [
    ANA_COVERAGE,
    'mcp://twins/member/no-such/coverage',
    'mcp://twins/member/x/../demo-ben/coverage',
    'MCP://twins/member/demo-ben/coverage',
    'mcp://twins/member/demo-ben/coverage\u0000',
    'mcp://twins/member/%64emo-ben/coverage',
    'file:///etc/passwd',
  ];
  const own = 'mcp://twins/member/demo-ben/coverage';
  const reads = [...uris, own].map((uri, n) => {
    const message = JSON.parse(modernMessage('resources/read', { uri }).body) as { id: number };
    return JSON.stringify({ ...message, id: n + 1 });
  });
  tried += uris.length + 3;
  const garbage = ['{"not json', '[]', '{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}'];
  const answers = await overStdio([...garbage, ...reads], reads.length);
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  for (const [n, uri] of uris.entries()) {
    assert.equal(
      byId.get(n + 1)?.error?.code,
      -32602,
      `${uri}: ${JSON.stringify(byId.get(n + 1))}`,
    );
  }
  assert.ok(byId.get(uris.length + 1)?.result, 'the bridge goes on after them');
  const [forbidden, absent] = [byId.get(1)?.error, byId.get(2)?.error];
  assert.equal(neutral(forbidden, 'demo-ana'), neutral(absent, 'no-such'));
});
