import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CallToolResultSchema,
  ElicitRequestSchema,
  ReadResourceResultSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { sleep } from '../src/kernel/clock.ts';
import { auditOf } from './support/audit.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { CLIENTS } from './support/clients.ts';
import { type CuttingProxy, cuttingProxy } from './support/cutting-proxy.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * Answers whose stream was cut (security.md §0.4, §5 F20, §6 80–82): a real client of the 2025 era
 * gets each once, and nobody gets anything that they would not get by asking.
 */
let server: TestServer;
let proxy: CuttingProxy;
before(async () => {
  server = await startServer();
  proxy = await cuttingProxy(server.url);
});
after(async () => {
  await proxy.stop();
  await server.stop();
});

interface Connected {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  /** Ids of the answers that came, in order. */
  readonly answered: unknown[];
  readonly told: string[];
}

/** A client whose own attempts at coming back are `retries`. */
async function connect(url: string, token: string, retries = 2): Promise<Connected> {
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const reconnectionOptions = {
    ...{ initialReconnectionDelay: 50, maxReconnectionDelay: 200, reconnectionDelayGrowFactor: 2 },
    maxRetries: retries,
  };
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', url), {
    ...{ requestInit, reconnectionOptions },
  });
  const client = new Client(
    { name: 'resuming', version: '1' },
    { capabilities: { elicitation: { form: {} } } },
  );
  const told: string[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    told.push(params.uri);
  });
  client.onerror = () => undefined;
  await client.connect(transport);
  const answered: unknown[] = [];
  const handle = transport.onmessage;
  transport.onmessage = (message) => {
    if ('result' in message || 'error' in message) answered.push(message.id);
    handle?.(message);
  };
  return { client, transport, answered, told };
}

/** A read whose answer breaks off in its middle; what the client had heard of its stream. */
async function cutRead(token: string, uri = ANA_COVERAGE) {
  const { client, transport, answered } = await connect(proxy.url, token, 0);
  const heard: string[] = [];
  proxy.cutBehind('"contents":[{"uri"');
  const before = proxy.cuts;
  void client
    .request({ method: 'resources/read', params: { uri } }, ReadResourceResultSchema, {
      ...{ onresumptiontoken: (id: string) => void heard.push(id), timeout: 60_000 },
    })
    .catch(() => undefined);
  while (proxy.cuts === before) await sleep(5);
  await sleep(50);
  assert.deepEqual([heard.length, answered.length], [1, 0]);
  const [lastEventId = ''] = heard;
  const session = transport.sessionId ?? '';
  await client.close();
  return { session, lastEventId };
}

/** GET with `Last-Event-ID`: what comes within a second, and whether the stream has ended. */
async function comeBack(token: string, session: string, lastEventId: string, at = server) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 1_000);
  const response = await fetch(`${at.url}/mcp`, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
      'mcp-session-id': session,
      'mcp-protocol-version': '2025-11-25',
      'last-event-id': lastEventId,
    },
    signal: stop.signal,
  });
  let text = '';
  try {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  } catch {
    // Nothing more came in time.
  }
  clearTimeout(timer);
  return { status: response.status, text, ended: !stop.signal.aborted };
}

test('B-MC-21: an answer that is cut in its middle arrives exactly once', async () => {
  const { client, answered } = await connect(proxy.url, await server.token('ana'));
  const before = proxy.cuts;
  proxy.cutBehind('"contents":[{"uri"');
  const { contents } = await client.readResource({ uri: ANA_COVERAGE });
  assert.equal(proxy.cuts, before + 1);
  assert.equal(contents[0]?.uri, ANA_COVERAGE);
  await sleep(500);
  assert.equal(answered.length, 1);
  const { contents: again } = await client.readResource({ uri: ANA_COVERAGE });
  assert.equal(again[0]?.uri, ANA_COVERAGE);
  assert.equal(new Set(answered).size, 2, 'the session goes on');
  await client.close();
});

test('B-MC-21: a client that starts anew fetches its answer by the token of its stream', async () => {
  const token = await server.token('ana');
  const { session, lastEventId } = await cutRead(token);
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', server.url), {
    ...{ requestInit, sessionId: session },
  });
  transport.setProtocolVersion('2025-11-25');
  const client = new Client({ name: 'resuming', version: '1' });
  await client.connect(transport);
  const { contents } = await client.request(
    { method: 'resources/read', params: { uri: ANA_COVERAGE } },
    ReadResourceResultSchema,
    { resumptionToken: lastEventId },
  );
  assert.equal(contents[0]?.uri, ANA_COVERAGE);
  await client.close();
});

test('B-MC-21, B-MC-18: a call that is cut while a person is asked goes on, and asks once', async () => {
  const { client, answered } = await connect(proxy.url, await server.token('nurse'));
  let asked = 0;
  client.setRequestHandler(ElicitRequestSchema, () => {
    asked += 1;
    return { action: 'accept', content: { member: 'demo-ben' } };
  });
  const before = proxy.cuts;
  proxy.cutBehind('"method":"elicitation/create"');
  const params = { name: 'chat', arguments: { message: 'What does the plan of Demo-Baker cost?' } };
  const called = await client.request({ method: 'tools/call', params }, CallToolResultSchema);
  assert.equal(proxy.cuts, before + 1);
  assert.match(JSON.stringify(called.structuredContent), /demo-ben\/coverage/);
  await sleep(500);
  assert.deepEqual([asked, answered.length], [1, 1]);
  await client.close();
});

test('B-MC-21: tools’ answers arrive too, and a chat is held once', async () => {
  const token = await server.token('ana');
  const { client, answered } = await connect(proxy.url, token);
  const chats = (): string[] => auditOf(server, '"action":"chat"');
  const [before, earlier] = [proxy.cuts, chats().length];
  for (const [name, args] of [
    ['search', { query: 'deductible' }],
    ['readDocument', { uri: ANA_COVERAGE }],
    ['chat', { message: 'What is my deductible?' }],
  ] as const) {
    proxy.cutBehind('"content":[{"type"');
    const called = await client.callTool({ name, arguments: args });
    assert.notEqual(called.isError, true, name);
    assert.match(JSON.stringify(called.structuredContent), /mcp:/);
  }
  assert.equal(proxy.cuts, before + 3);
  await sleep(500);
  assert.equal(answered.length, 3);
  const held = chats().slice(earlier);
  assert.deepEqual(
    held.map((record) => record.includes('told again')),
    [false, true],
  );
  await client.close();
});

test('B-MC-21: an error ends the matter for a client that takes it for a broken stream', async () => {
  const { client, answered } = await connect(server.url, await server.token('ana'));
  const uri = 'mcp://twins/member/demo-dov/coverage';
  await assert.rejects(client.readResource({ uri }), { code: -32602 });
  // It comes back once, a second later.
  await sleep(2_500);
  assert.equal(answered.length, 1);
  await client.close();
});

test('B-MC-21: what is told again is recorded again, before it leaves', async () => {
  const token = await server.token('ana');
  const { session, lastEventId } = await cutRead(token);
  const before = auditOf(server, 'told again').length;
  const { status, text, ended } = await comeBack(token, session, lastEventId);
  assert.deepEqual([status, ended], [200, true]);
  assert.match(text, /"result":\{/);
  const records = auditOf(server, 'told again');
  assert.equal(records.length, before + 1);
  assert.match(records.at(-1) ?? '', /demo-ana\/coverage/);
  assert.match(records.at(-1) ?? '', /"subject":"ana"/);
});

test('B-MC-21: a resumed stream is not the push stream, which tells anew by itself', async () => {
  const token = await server.token('ana');
  const { client, told, transport } = await connect(server.url, token);
  await client.subscribeResource({ uri: ANA_COVERAGE });
  const heard: string[] = [];
  await client.request(
    { method: 'resources/read', params: { uri: ANA_COVERAGE } },
    ReadResourceResultSchema,
    { onresumptiontoken: (id) => void heard.push(id) },
  );
  const [lastEventId = ''] = heard;
  const resumed = comeBack(token, transport.sessionId ?? '', lastEventId);
  await changeCoverage(server);
  const { text } = await resumed;
  assert.doesNotMatch(text, /resources\/updated/);
  while (told.length === 0) await sleep(10);
  assert.deepEqual(new Set(told), new Set([ANA_COVERAGE]));
  await client.close();
});

test('B-MC-21, B-MC-4: 82: ids that are forged, foreign or of another session get 400 and nothing', async () => {
  const token = await server.token('ana');
  const { session, lastEventId } = await cutRead(token);
  const other = await cutRead(token);
  const [stream = '', seq = ''] = lastEventId.split('.');
  const forged = [
    ...['_GET_stream', '_GET_stream.0', '_GET_stream_000001', '0', '../x', stream, `${stream}.`],
    ...[`${stream}.${Number(seq) + 50}`, `${stream}.-1`, `${stream}.1e1`, `${stream}.00000000000`],
    ...[`${lastEventId} `, `x${lastEventId}`, stream.toUpperCase(), 'a'.repeat(5_000)].map((id) =>
      id.endsWith(' ') ? `${id}x` : id,
    ),
    ...[`${crypto.randomUUID()}.0`, other.lastEventId],
  ];
  for (const id of forged) {
    const answer = await comeBack(token, session, id);
    assert.equal(answer.status, 400, id);
    assert.doesNotMatch(answer.text, /"result"|contents|resources\/updated/);
  }
  const foreign = await comeBack(await server.token('ben'), session, lastEventId);
  assert.equal(foreign.status, 404);
  assert.doesNotMatch(foreign.text, /"result"|contents/);
  const own = await comeBack(token, session, lastEventId);
  assert.match(own.text, /"result":\{/, 'the others have used nothing up');
});

test('B-MC-21, P10: a token for less does not fetch what was asked with one for more', async () => {
  const { session, lastEventId } = await cutRead(await server.token('ana'));
  for (const scope of ['twin:read:profile', 'twin:read', 'twin:read:coverage twin:subscribe']) {
    const less = await server.token('ana', { scope });
    const answer = await comeBack(less, session, lastEventId);
    assert.equal(answer.status, 400, scope);
    assert.doesNotMatch(answer.text, /"result"|contents/);
  }
  assert.ok(auditOf(server, 'Last-Event-ID of another token').length >= 3);
  const renewed = await server.token('ana');
  const own = await comeBack(renewed, session, lastEventId);
  assert.match(own.text, /"result":\{/, 'a renewed token for as much fetches it');
});

test('B-MC-21, P1: after a revoke nothing of a kept answer leaves, for good', async () => {
  const relation = 'member:demo-ana#guardian@user:ben';
  await server.relations('touch', relation);
  const token = await server.token('ben');
  const { session, lastEventId } = await cutRead(token);
  await server.relations('delete', relation);
  const revoked = await comeBack(token, session, lastEventId);
  assert.equal(revoked.status, 200);
  assert.match(revoked.text, /"error":\{"code":-32602,"message":"This answer may not be told/);
  assert.doesNotMatch(revoked.text, /"result"|contents|PPO|demo-ana/);
  await server.relations('touch', relation);
  const after = await comeBack(token, session, lastEventId);
  assert.doesNotMatch(after.text, /"result"|contents|PPO/, 'what went does not come back');
  await server.relations('delete', relation);
});

test('B-MC-21, P3: what has changed meanwhile is not told as it was', async () => {
  const token = await server.token('ana');
  const { session, lastEventId } = await cutRead(token);
  const { position } = await changeCoverage(server);
  const read = await server.fetch(token, '/v1/twins/member/demo-ana/coverage', {
    headers: { 'min-position': position },
  });
  assert.equal(read.status, 200);
  const { text } = await comeBack(token, session, lastEventId);
  assert.match(text, /"error":\{/);
  assert.doesNotMatch(text, /"result"|contents/);
  assert.ok(auditOf(server, 'told again: no longer as it was').length >= 1);
});

test('B-MC-11: what is open over stdio when the server is killed ends with an error', async () => {
  const { dataDir } = server;
  const asked = Promise.withResolvers<void>();
  const person = (): Promise<never> => {
    asked.resolve();
    return new Promise(() => undefined);
  };
  const stdio = CLIENTS['SDK 1.x over stdio, 2025 era'];
  const client = await stdio?.({ url: server.url, token: '', dataDir, as: 'nurse', person });
  const message = 'What does the plan of Demo-Baker cost?';
  const called = client?.call('chat', { message });
  await asked.promise;
  await Promise.all([
    server.kill(),
    assert.rejects(async () => await called, /before it answered/),
  ]);
  await client?.close();
  await proxy.stop();
  server = await startServer({ dataDir });
  proxy = await cuttingProxy(server.url);
});

test('B-MC-21: F20: after kill -9 a session, its event ids included, is unknown: 404, then anew', async () => {
  const token = await server.token('ana');
  const { session, lastEventId } = await cutRead(token);
  const { dataDir } = server;
  await server.kill();
  await proxy.stop();
  server = await startServer({ dataDir });
  proxy = await cuttingProxy(server.url);
  const renewed = await server.token('ana');
  const answer = await comeBack(renewed, session, lastEventId);
  assert.equal(answer.status, 404);
  assert.doesNotMatch(answer.text, /"result"|contents/);
  const { client, transport } = await connect(server.url, renewed);
  assert.notEqual(transport.sessionId, session);
  const anew = await comeBack(renewed, transport.sessionId ?? '', lastEventId);
  assert.equal(anew.status, 400);
  await client.close();
});
