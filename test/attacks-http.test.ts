import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { modernMessage, type RawAnswer, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/** security.md §6, 32, 76–77, 80–81, and the bodies of 65, 70, 71, 73, 74. */
let server: TestServer;
let ana: string;
let tried = 0;

before(async () => {
  server = await startServer();
  ana = await server.token('ana');
});
after(async () => {
  console.log(`# HTTP attacks tried: ${tried}`);
  await server.stop();
});

type Header = readonly [string, string];

function send(
  headers: readonly Header[],
  over: { body?: string; path?: string; method?: string } = {},
) {
  tried += 1;
  const message = modernMessage('resources/list', {});
  const own = new Set(headers.map(([name]) => name.toLowerCase()));
  const defaults: Header[] = [
    ['Host', new URL(server.url).host],
    ['Authorization', `Bearer ${ana}`],
    ...message.headers,
  ];
  return rawRequest(server.url, {
    ...over,
    headers: [...defaults.filter(([name]) => !own.has(name.toLowerCase())), ...headers],
    body: over.body ?? message.body,
  });
}

function assertJson(answer: RawAnswer): void {
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  JSON.parse(answer.text);
  assert.doesNotMatch(answer.text, /node:internal|SyntaxError|\bat \//);
}

test('a good request is answered, so that the others are refused for what they are', async () => {
  assert.equal((await send([])).status, 200);
});

test('1: without a token 401 names the metadata and the scopes', async () => {
  const { headers, body } = modernMessage('resources/list', {});
  tried += 1;
  const answer = await rawRequest(server.url, {
    headers: [['Host', new URL(server.url).host], ...headers],
    body,
  });
  assert.equal(answer.status, 401);
  const challenge = String(answer.headers['www-authenticate']);
  assert.match(challenge, /^Bearer /);
  assert.match(challenge, /resource_metadata="[^"]+\/\.well-known\/oauth-protected-resource\/mcp"/);
  assert.match(challenge, /scope="[^"]*twin:read/);
  assert.doesNotMatch(challenge, /error=/);
  const metadata = await fetch(`${server.url}/.well-known/oauth-protected-resource/mcp`);
  assert.equal(((await metadata.json()) as { resource: string }).resource, `${server.url}/mcp`);
});

test('32: a token in the query or the body is no token', async () => {
  const { headers, body } = modernMessage('resources/list', {});
  tried += 1;
  const inQuery = await rawRequest(server.url, {
    headers: [['Host', new URL(server.url).host], ...headers],
    path: `/mcp?access_token=${ana}`,
    body: JSON.stringify({ ...(JSON.parse(body) as object), access_token: ana }),
  });
  assert.equal(inQuery.status, 401);
});

for (const [name, host, status] of [
  ['evil.com', 'evil.com', 403],
  ['localhost.evil.com', 'localhost.evil.com', 403],
  ['a user before the host', 'evil@localhost', 400],
  ['another port', 'localhost:1', 403],
] as const) {
  test(`76: Host ${name} is refused`, async () => {
    const answer = await send([['Host', host]]);
    assert.equal(answer.status, status);
    assertJson(answer);
  });
}

test('76: a missing or a second Host is refused', async () => {
  const own = new URL(server.url).host;
  const twice = await send([
    ['Host', own],
    ['Host', 'evil.com'],
  ]);
  assert.equal(twice.status, 400);
});

for (const origin of ['https://evil.com', 'null', 'https://localhost', 'http://localhost:1', '*']) {
  test(`77: Origin ${origin} is refused`, async () => {
    const answer = await send([['Origin', origin]]);
    assert.equal(answer.status, 403);
    assertJson(answer);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  });
}

test('77: our own origin is served, and named in CORS', async () => {
  const answer = await send([['Origin', server.url]]);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], server.url);
  assert.equal(answer.headers['access-control-allow-credentials'], undefined);
});

for (const [name, body, headers, status] of [
  ['65: a batch', '[]', [], 400],
  ['65: a batch of two', '[{"jsonrpc":"2.0","id":1,"method":"ping"},{}]', [], 400],
  ['70: a body past the bound', JSON.stringify('x'.repeat(2_000_000)), [], 413],
  ['71: a compressed body', 'x', [['Content-Encoding', 'gzip']], 415],
  ['73: text/plain', '{}', [['Content-Type', 'text/plain']], 415],
  ['74: a byte order mark', '\ufeff{}', [], 400],
  ['74: no JSON', '{"phi":"Ana"', [], 400],
  ['an empty body', '', [], 400],
] as const satisfies (readonly [string, string, readonly Header[], number])[]) {
  test(`${name} is refused with JSON and without an echo`, async () => {
    const answer = await send(headers, { body });
    assert.equal(answer.status, status, answer.text.slice(0, 200));
    assertJson(answer);
    assert.doesNotMatch(answer.text, /Ana/);
  });
}

test('a method that MCP does not use is 405', async () => {
  assert.equal((await send([], { method: 'PUT' })).status, 405);
});

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'attacker', version: '1' },
  },
});

/** 2025-era requests carry none of the 2026-07-28 headers. */
function legacy(token: string, headers: readonly Header[], body?: string, method = 'POST') {
  tried += 1;
  return rawRequest(server.url, {
    method,
    headers: [
      ['Host', new URL(server.url).host],
      ['Authorization', `Bearer ${token}`],
      ['Accept', 'application/json, text/event-stream'],
      ...(body === undefined ? [] : [['Content-Type', 'application/json'] as const]),
      ...headers,
    ],
    ...(body !== undefined && { body }),
  });
}

test('B-MC-4: 80: a session of another principal looks like an unknown one, to every method', async () => {
  const session = String((await legacy(ana, [], INITIALIZE)).headers['mcp-session-id']);
  const ben = await server.token('ben');
  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'resources/list', params: {} });
  for (const [method, body] of [
    ['POST', list],
    ['GET', undefined],
    ['DELETE', undefined],
  ] as const) {
    const foreign = await legacy(ben, [['Mcp-Session-Id', session]], body, method);
    const unknown = await legacy(ben, [['Mcp-Session-Id', 'a'.repeat(26)]], body, method);
    assert.equal(foreign.status, 404, method);
    const neutral = (text: string) => text.replace(/"io\.digital-twin\/correlationId":"\w+"/, '');
    assert.equal(neutral(foreign.text), neutral(unknown.text));
  }
  const own = await legacy(ana, [['Mcp-Session-Id', session]], list);
  assert.equal(own.status, 200, 'the session survived the foreign DELETE');
  const db = new DatabaseSync(join(server.dataDir, 'audit.db'), { readOnly: true });
  const alerts = db
    .prepare("SELECT body FROM record WHERE body LIKE '%session of another principal%'")
    .all();
  db.close();
  assert.equal(alerts.length, 3, 'each is an alert in the audit');
  for (const { body } of alerts)
    assert.match(String(body), /"outcome":"denied"[\s\S]*"subject":"ben"/);
});

test('81: a session id that the client chose is ignored', async () => {
  const chosen = 'b'.repeat(26);
  const answer = await legacy(ana, [['Mcp-Session-Id', chosen]], INITIALIZE);
  assert.equal(answer.status, 200);
  assert.notEqual(answer.headers['mcp-session-id'], chosen);
});

test('82: a foreign Last-Event-ID replays nothing', async () => {
  const session = String((await legacy(ana, [], INITIALIZE)).headers['mcp-session-id']);
  const answer = await legacy(
    await server.token('ben'),
    [
      ['Mcp-Session-Id', session],
      ['Last-Event-ID', '_GET_stream_000001'],
    ],
    undefined,
    'GET',
  );
  assert.equal(answer.status, 404);
});
