import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { loadKeys } from '../src/config/keys.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { LIMITS } from '../src/kernel/limits.ts';
import { createRequestStates } from '../src/mcp/request-state.ts';
import type { Principal } from '../src/twin/ports.ts';
import { ask } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openSession } from './support/streams.ts';

/** security.md §6, 83: what a client makes of the request state of a question (§1.4 M1–M5). */
const ARGS = { message: 'What does the plan of Demo-Baker cost?' };
const CHOSE = { member: { action: 'accept', content: { member: 'demo-ben' } } };
const FORMS = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };

let server: TestServer;
let nurse: string;
let tried = 0;
const replaced = randomBytes(32);
before(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-test-'));
  process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  const file = join(dataDir, 'keys.json');
  await loadKeys(file);
  const keys = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  const cursorBefore = replaced.toString('base64url');
  await writeFile(file, JSON.stringify({ ...keys, cursorBefore }));
  server = await startServer({ dataDir });
  nurse = await server.token('nurse');
});
after(async () => {
  console.log(`# state attacks tried: ${tried}`);
  await server.stop();
});

type Params = Readonly<Record<string, unknown>>;

const call = (params: Params, token = nurse, method = 'tools/call') =>
  ask(server, token, method, { name: 'chat', arguments: ARGS, ...params }, FORMS);

async function askedFor(args: Params = ARGS): Promise<string> {
  const { message } = await call({ arguments: args });
  assert.equal(message.result?.resultType, 'input_required', JSON.stringify(message));
  return String(message.result?.requestState);
}

/** A state as this deployment makes it, of another time or with another key. */
async function made({ key, agoMs = 0 }: { key?: Buffer; agoMs?: number }): Promise<string> {
  const { cursor } = await loadKeys(join(server.dataDir, 'keys.json'));
  const claims = JSON.parse(
    Buffer.from(nurse.split('.')[1] ?? '', 'base64url').toString('utf8'),
  ) as { sub: string; tenant: string; client_id: string };
  const { sub: subject, tenant, client_id: clientId } = claims;
  const principal = { kind: 'user', subject, tenant, clientId } as Principal;
  const clock = { ...systemClock, now: () => Date.now() - agoMs };
  const asked = { principal, tool: 'chat', args: ARGS };
  const offered = ['demo-ben', 'demo-cleo'];
  return createRequestStates([key ?? cursor], clock).seal(asked, { round: 1, offered });
}

async function refused(params: Params, token = nurse, method = 'tools/call'): Promise<void> {
  tried += 1;
  const { answer, message } = await call(params, token, method);
  assert.equal(answer.status, 400, answer.text.slice(0, 300));
  assert.equal(message.error?.code, -32602, answer.text.slice(0, 300));
  assert.match(message.error?.message ?? '', /^The requestState is not one that this server/);
  assert.equal(message.error?.data?.code, 'INVALID_ARGUMENT');
}

test('B-MC-17: 83: a state in order is taken, also by the key before, and only once', async () => {
  for (const requestState of [await askedFor(), await made({}), await made({ key: replaced })]) {
    const { message } = await call({ requestState, inputResponses: CHOSE });
    assert.equal(message.result?.resultType, 'complete', JSON.stringify(message).slice(0, 300));
    await refused({ requestState, inputResponses: CHOSE });
    await refused({ requestState });
  }
});

test('B-MC-17: 83: changed, truncated, padded, or another’s text', async () => {
  const state = await askedFor();
  const last = state.length - 1;
  for (const forged of [
    `${state[0] === 'A' ? 'B' : 'A'}${state.slice(1)}`,
    `${state.slice(0, 40)}${state[40] === 'A' ? 'B' : 'A'}${state.slice(41)}`,
    state.slice(0, last - 4),
    `${state}AAAA`,
    state.toUpperCase(),
    `v1.${state}`,
    '',
    'null',
    Buffer.from('{"round":1,"offered":["demo-ben"]}').toString('base64url'),
    `v1.${'A'.repeat(900_000)}`,
    null,
    0,
    true,
    [state],
    { state },
  ]) {
    await refused({ requestState: forged, inputResponses: CHOSE });
  }
});

test('B-MC-17: 83: 2 MB are not even read', async () => {
  tried += 1;
  const { answer, message } = await call({ requestState: `v1.${'A'.repeat(2 << 20)}` });
  assert.equal(answer.status, 413);
  assert.equal(message.error?.data?.code, 'TOO_LARGE');
});

test('B-MC-17: 83: another user, client or tenant, an agent of the user', async () => {
  const requestState = await askedFor();
  const others = [
    await server.token('eve'),
    await server.token('operator', { scope: 'twin:read twin:chat' }),
    await server.token('agent:assistant'),
    await server.token('nurse', { actor: 'assistant' }),
    await server.token('nurse', { tenant: 'other' }),
    await server.token('nurse', { client_id: 'other' }),
  ];
  for (const token of others) {
    await refused({ requestState, inputResponses: CHOSE }, token);
  }
});

test('B-MC-17: 83: another tool, another method, other arguments', async () => {
  const requestState = await askedFor();
  const sent = { requestState, inputResponses: CHOSE };
  const uri = 'mcp://twins/member/demo-ben/coverage';
  await refused({ ...sent, name: 'search', arguments: { query: 'plan' } });
  await refused({ ...sent, name: 'search' });
  await refused({ ...sent, name: 'readDocument', arguments: { uri } });
  await refused({ ...sent, name: 'nothing' });
  await refused({ ...sent, arguments: { message: 'What is the address of Demo-Baker?' } });
  await refused({ ...sent, arguments: { ...ARGS, member: 'demo-dov' } });
  await refused({ ...sent, arguments: undefined });
  await refused({ requestState, name: 'visit-prep' }, nurse, 'prompts/get');
  await refused({ requestState, name: undefined, uri }, nurse, 'resources/read');
});

test('B-MC-17: 83: past its time, or by a key that is not ours', async () => {
  const old = await made({ agoMs: LIMITS.requestStateTtlMs + 1_000 });
  const ahead = await made({ agoMs: -60_000 });
  const foreign = await made({ key: randomBytes(32) });
  for (const requestState of [old, ahead, foreign]) {
    await refused({ requestState, inputResponses: CHOSE });
  }
});

test('B-MC-17: 83: in a session of the 2025 era, where states never leave the server', async () => {
  const requestState = await askedFor();
  const session = await openSession(server, await server.token('eve'));
  for (const state of [requestState, `${requestState}A`, 7]) {
    tried += 1;
    const params = { name: 'chat', arguments: ARGS, requestState: state, inputResponses: CHOSE };
    const { error } = await session.send('tools/call', params);
    assert.equal(error?.code, -32602, JSON.stringify(error));
  }
});

test('B-MC-17: 83: of one state sent ten times at once, one is served', async () => {
  const requestState = await askedFor();
  const sent = Array.from({ length: 10 }, () => call({ requestState, inputResponses: CHOSE }));
  const served = (await Promise.all(sent)).filter(
    ({ message }) => message.result !== undefined && message.result.isError !== true,
  );
  tried += 9;
  assert.equal(served.length, 1);
});

test('83: M5: without what was asked for, a valid state asks again and completes nothing', async () => {
  const requestState = await askedFor();
  for (const inputResponses of [
    undefined,
    {},
    { other: CHOSE.member },
    { member: { method: 'elicitation/create', result: CHOSE.member } },
    { member: { action: 'accept', content: { member: 'demo-dov' } } },
    { member: { action: 'accept', content: { member: ['demo-ben'] } } },
    { member: { action: 'perhaps', content: { member: 'demo-ben' } } },
  ]) {
    tried += 1;
    const { message } = await call({ requestState, inputResponses });
    assert.equal(message.result?.resultType, 'input_required', JSON.stringify(inputResponses));
    assert.equal(message.result?.structuredContent, undefined);
  }
  const more = { ...CHOSE, other: { action: 'accept', content: {} } };
  const { message } = await call({ requestState, inputResponses: more });
  assert.equal(message.result?.resultType, 'complete', 'more keys than asked for are ignored');
});

test('83: a state tells its holder nothing, and each refusal is in the audit', async () => {
  const bytes = Buffer.from(await askedFor(), 'base64url').toString('latin1');
  assert.doesNotMatch(bytes, /demo|nurse|round|offered/);
  const db = new DatabaseSync(join(server.dataDir, 'audit.db'), { readOnly: true });
  const bodies = db.prepare(`SELECT body FROM record WHERE body LIKE '%request state%'`).all();
  db.close();
  assert.ok(bodies.length >= 35, String(bodies.length));
  for (const { body } of bodies) assert.match(String(body), /"outcome":"denied"/);
});
