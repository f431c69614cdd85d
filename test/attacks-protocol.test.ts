import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { messageOf, type RpcMessage } from './support/ask.ts';
import { ANA_COVERAGE } from './support/changes.ts';
import { modernMessage, type RawAnswer, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openSession } from './support/streams.ts';

/** security.md §6, 61–75, 82, 101, 114 and 117: messages and headers as no client sends them. */
const CANARY = 'Zebulon-Canary-1931';
const FOREIGN = 'mcp://twins/member/demo-ben/coverage';

let server: TestServer;
let ana: string;
let tried = 0;
before(async () => {
  server = await startServer();
  ana = await server.token('ana');
});
after(async () => {
  console.log(`# protocol attacks tried: ${tried}`);
  await server.stop();
});

type Header = readonly [string, string];
interface Attack {
  /** The number in security.md §6. */
  readonly n: number;
  readonly what: string;
  /** Replaces, or with `undefined` drops, headers of a good read. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Uint8Array | ((good: Good) => unknown);
  readonly status: number;
  readonly code?: number;
}
interface Good {
  jsonrpc: string;
  id: unknown;
  method: string;
  params: Record<string, unknown> & { _meta: Record<string, unknown> };
}

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const call = (args: string) =>
  JSON.stringify(
    JSON.parse(
      modernMessage('tools/call', { name: 'search', arguments: {} }, 'search').body,
    ) as unknown,
  ).replace('"arguments":{}', `"arguments":${args}`);
const CALL = { 'Mcp-Method': 'tools/call', 'Mcp-Name': 'search' };

const MISMATCH = { status: 400, code: -32020 } as const;
const ATTACKS: readonly Attack[] = [
  { n: 61, what: 'Mcp-Name of another URI', headers: { 'Mcp-Name': FOREIGN }, ...MISMATCH },
  { n: 61, what: 'no Mcp-Name', headers: { 'Mcp-Name': undefined }, ...MISMATCH },
  {
    n: 61,
    what: 'Mcp-Name in bad base64',
    headers: { 'Mcp-Name': '=?base64?!!!?=' },
    ...MISMATCH,
  },
  {
    n: 61,
    what: 'another URI in base64',
    headers: { 'Mcp-Name': base64(FOREIGN) },
    ...MISMATCH,
  },
  { n: 61, what: 'no Mcp-Method', headers: { 'Mcp-Method': undefined }, ...MISMATCH },
  {
    n: 62,
    what: 'Mcp-Method tools/list over a read',
    headers: { 'Mcp-Method': 'tools/list' },
    ...MISMATCH,
  },
  {
    n: 63,
    what: 'a 2025 version header over a 2026 body',
    headers: { 'MCP-Protocol-Version': '2025-11-25' },
    ...MISMATCH,
  },
  {
    n: 63,
    what: 'a version that nobody knows',
    headers: { 'MCP-Protocol-Version': '2999-01-01' },
    body: (good) => {
      good.params._meta[VERSION] = '2999-01-01';
      return good;
    },
    status: 400,
    code: -32022,
  },
  {
    n: 64,
    what: 'no envelope, no version, a harmless Mcp-Name: 2025, without a session',
    headers: { 'MCP-Protocol-Version': undefined, 'Mcp-Method': undefined, 'Mcp-Name': 'x' },
    body: ({ params: { uri }, ...good }) => ({ ...good, params: { uri } }),
    status: 400,
    code: -32600,
  },
  { n: 65, what: 'a batch of two', body: (good) => [good, good], status: 400, code: -32600 },
  {
    n: 65,
    what: 'a batch of 101',
    body: (good) => Array(101).fill(good),
    status: 400,
    code: -32600,
  },
  { n: 66, what: 'id null', body: (good) => ({ ...good, id: null }), status: 400 },
  { n: 66, what: 'an object as id', body: (good) => ({ ...good, id: { a: 1 } }), status: 400 },
  { n: 66, what: 'an array as id', body: (good) => ({ ...good, id: [CANARY] }), status: 400 },
  { n: 66, what: 'no method', body: ({ method: _, ...good }) => good, status: 400 },
  { n: 66, what: 'jsonrpc 1.0', body: (good) => ({ ...good, jsonrpc: '1.0' }), status: 400 },
  { n: 66, what: 'a string', body: JSON.stringify(CANARY), status: 400 },
  { n: 66, what: 'a number', body: '1e999', status: 400 },
  { n: 67, what: '50,000 deep', headers: CALL, body: call(nested(50_000)), status: 400 },
  { n: 67, what: '50,000 deep, alone', body: nested(50_000), status: 400 },
  {
    n: 67,
    what: 'params as an array',
    body: (good) => ({ ...good, params: [CANARY] }),
    status: 400,
  },
  {
    n: 70,
    what: 'a body that announces 20 MB',
    headers: { 'Content-Length': String(20 * 1024 * 1024) },
    status: 413,
  },
  { n: 73, what: 'a form', headers: { 'Content-Type': 'multipart/form-data' }, status: 415 },
  { n: 73, what: 'no type', headers: { 'Content-Type': undefined }, status: 415 },
  { n: 74, what: 'what is not UTF-8', body: Buffer.from('7b22fffe227d', 'hex'), status: 400 },
  {
    n: 74,
    what: 'half of a surrogate pair',
    headers: CALL,
    body: call(`{"query":"${CANARY}\\ud800"}`),
    status: 400,
    code: -32600,
  },
  { n: 74, what: 'half of a text', body: `{"name":"${CANARY}`, status: 400 },
  {
    n: 75,
    what: 'initialize at 2026',
    headers: { 'Mcp-Method': 'initialize', 'Mcp-Name': undefined },
    body: (good) => ({ ...good, method: 'initialize' }),
    status: 404,
    code: -32601,
  },
  {
    n: 75,
    what: 'a method of nobody',
    headers: { 'Mcp-Method': '__proto__', 'Mcp-Name': undefined },
    body: (good) => ({ ...good, method: '__proto__' }),
    status: 404,
    code: -32601,
  },
];

async function send(attack: Partial<Attack>): Promise<RawAnswer> {
  tried += 1;
  const good = modernMessage('resources/read', { uri: ANA_COVERAGE }, ANA_COVERAGE);
  const over = attack.headers ?? {};
  const given = Object.keys(over).map((name) => name.toLowerCase());
  const all: Header[] = [
    ['Host', new URL(server.url).host],
    ['Authorization', `Bearer ${ana}`],
    ...good.headers.filter(([name]) => !given.includes(name.toLowerCase())),
    ...Object.entries(over).flatMap(([name, value]): Header[] =>
      value === undefined ? [] : [[name, value]],
    ),
  ];
  const made =
    typeof attack.body === 'function'
      ? JSON.stringify(attack.body(JSON.parse(good.body) as Good))
      : (attack.body ?? good.body);
  return await rawRequest(server.url, { headers: all, body: made });
}

/** Ours, whatever was sent: no page, no stack, no echo, and never an answer with data. */
function assertRefused(answer: RawAnswer): void {
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.doesNotMatch(answer.text, /node:|\bat \w+ \(|SyntaxError|Unexpected token/);
  assert.ok(!answer.text.includes(CANARY), 'echoed');
  assert.ok(!answer.text.includes('Demo PPO'), 'answered');
  assert.ok(answer.text.length < 2_000, `${answer.text.length} characters`);
}

test('the message that the attacks are made of is a good one', async () => {
  const answer = await send({});
  assert.equal(answer.status, 200);
  assert.match(answer.text, /Demo PPO/);
});

for (const attack of ATTACKS) {
  test(`B-FM-6: ${attack.n}: ${attack.what} is ${attack.status}`, async () => {
    const answer = await send(attack);
    assert.equal(answer.status, attack.status, answer.text.slice(0, 300));
    assertRefused(answer);
    if (attack.code !== undefined) assert.equal(messageOf(answer.text).error?.code, attack.code);
  });
}

/** Tool arguments: refused inside a result, or by the protocol; small either way. */
const ARGUMENTS: readonly (readonly [number, string, string])[] = [
  [68, '__proto__', `{"query":"x","__proto__":{"member":"demo-ben"},"constructor":{"x":1}}`],
  [68, 'an argument of nobody', `{"query":"x","${CANARY}":1}`],
  [69, '300,000 elements of a wrong kind', `{"query":"x","types":[${Array(300_000).fill(0)}]}`],
  [69, 'sections without end', `{"query":"x","sections":[${Array(5_000).fill('"care"')}]}`],
  [93, 'a query of 5,000 characters', `{"query":"${'x'.repeat(5_000)}"}`],
  [54, 'a member with a name of ours', `{"query":"x","member":"__proto__"}`],
];

for (const [n, what, args] of ARGUMENTS) {
  test(`B-FM-6: ${n}: ${what} as tool arguments is refused, in few words`, async () => {
    const answer = await send({ headers: CALL, body: call(args) });
    const { error, result } = messageOf(answer.text);
    assert.ok(error !== undefined || result?.isError === true, answer.text.slice(0, 300));
    assertRefused(answer);
    assert.equal(({} as Record<string, unknown>).member, undefined);
  });
}

test('B-FM-6: 69: 900,000 elements in a body under the bound cost little memory', async () => {
  const before = await residentBytes();
  for (let n = 0; n < 3; n += 1) {
    const args = `{"query":"x","types":[${Array(450_000).fill(1)}]}`;
    assertRefused(await send({ headers: CALL, body: call(args) }));
  }
  const grownMb = ((await residentBytes()) - before) / 1024 / 1024;
  console.log(`# resident memory grew by ${grownMb.toFixed(0)} MB`);
  assert.ok(grownMb < 200, `${grownMb} MB`);
});

async function residentBytes(): Promise<number> {
  const admin = await server.token('operator', { scope: 'admin' });
  const metrics = await (await server.fetch(admin, '/metrics')).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
}

test('B-FM-6: 70: on the plain routes too a body past the bound is 413 in JSON', async () => {
  const operator = await server.token('operator', { scope: 'relations:write' });
  const answer = await server.fetch(operator, '/v1/relations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ changes: [], padding: 'x'.repeat(2 * 1024 * 1024) }),
  });
  tried += 1;
  assert.equal(answer.status, 413);
  assert.match(String(answer.headers.get('content-type')), /^application\/json/);
});

test('B-FM-6: 71: a gzip bomb is not unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
  const answer = await server.fetch(ana, '/mcp', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: bomb,
  });
  tried += 1;
  assert.equal(answer.status, 415);
});

/** A message of the 2025 era in a session of ana's, with headers besides. */
async function inSession(id: string, body: unknown, more: Readonly<Record<string, string>> = {}) {
  tried += 1;
  const answer = await server.fetch(ana, '/mcp', {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', 'mcp-session-id': id, ...more },
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, message: messageOf(await answer.text()) };
}
const readOf = (uri: string, id: number) => ({
  ...{ jsonrpc: '2.0', id, method: 'resources/read' },
  params: { uri },
});

test('B-FM-6: 64: in a session the headers of 2026 decide nothing: the body does', async () => {
  const { id } = await openSession(server, ana);
  const own = await inSession(id, readOf(ANA_COVERAGE, 11), { 'mcp-name': FOREIGN });
  assert.ok(own.message.result);
  const foreign = await inSession(id, readOf(FOREIGN, 12), {
    ...{ 'mcp-name': ANA_COVERAGE, 'mcp-method': 'ping' },
  });
  assert.equal(foreign.message.error?.code, -32602);
  const session = await openSession(server, ana);
  const plainly = await session.send('resources/read', { uri: FOREIGN });
  assert.equal(foreign.message.error?.message, plainly.error?.message);
});

test('B-FM-6: 65: batches of 2 and of 101 are refused in a session too', async () => {
  const { id } = await openSession(server, ana);
  for (const count of [0, 2, 101]) {
    const batch = Array.from({ length: count }, (_, n) => readOf(ANA_COVERAGE, 20 + n));
    const { status, message } = await inSession(id, batch);
    assert.deepEqual([status, message.error?.code], [400, -32600]);
  }
});

test('B-FM-6: 66: an id under way in a session is refused, and the first keeps its answer', async () => {
  const { id } = await openSession(server, ana);
  const clinical = ANA_COVERAGE.replace('coverage', 'clinical');
  const uris = [ANA_COVERAGE, clinical, ANA_COVERAGE, clinical];
  const answers = await Promise.all(uris.map((uri) => inSession(id, readOf(uri, 7))));
  const answered = answers.filter(({ message }) => message.result !== undefined);
  assert.ok(answered.length > 0);
  for (const [n, { status, message }] of answers.entries()) {
    const [content] = (message.result?.contents ?? []) as { uri: string }[];
    if (content !== undefined) assert.equal(content.uri, uris[n], 'nobody else’s answer');
    else assert.deepEqual([status, message.error?.code], [400, -32600]);
  }
  assert.ok((await inSession(id, readOf(ANA_COVERAGE, 7))).message.result, 'it may come again');
});

test('B-FM-6: 82: a guessed Last-Event-ID in one’s own session gets 400 and nothing', async () => {
  const session = await openSession(server, ana);
  for (const id of ['_GET_stream_000001', '_GET_stream.0', '0', '../x', 'a'.repeat(5_000)]) {
    tried += 1;
    const answer = await fetch(`${server.url}/mcp`, {
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${ana}`,
        'mcp-session-id': session.id,
        'last-event-id': id,
      },
    });
    assert.equal(answer.status, 400);
    const { error, result } = (await answer.json()) as RpcMessage;
    assert.deepEqual([error?.code, result], [-32600, undefined]);
    assert.match(error?.message ?? '', /^Last-Event-ID names nothing/);
  }
});

test('B-FM-6: 101: trace context and baggage are data of the client: dropped, never answered', async () => {
  const answer = await send({
    headers: { Traceparent: `00-${CANARY}-00`, Baggage: `k=${CANARY}`, Tracestate: CANARY },
    body: (good) => {
      const { _meta } = good.params;
      Object.assign(_meta, { traceparent: '00-zz', baggage: CANARY.repeat(500), tracestate: 5 });
      return good;
    },
  });
  assert.equal(answer.status, 200);
  assert.ok(!JSON.stringify(answer).includes(CANARY));
  assert.ok(!server.output().includes(CANARY));
});

test('B-FM-6: 114: what a client sends makes no line of its own in the log', async () => {
  const forged = `x\r\n{"level":"fatal","msg":"${CANARY}"}\u001b[31m`;
  for (const [method, params] of [
    ['resources/read', { uri: forged }],
    ['tools/call', { name: forged, arguments: {} }],
    ['prompts/get', { name: forged }],
    [forged, {}],
  ] as const) {
    const { headers, body } = modernMessage(method.replace(/[^ -~]/g, ''), params);
    await send({ headers: Object.fromEntries(headers), body });
  }
  const lines = server.output().split('\n').slice(1);
  assert.ok(!lines.some((line) => line.startsWith('{') && line.includes('"level":"fatal"')));
  assert.ok(!server.output().includes('\u001b'));
});

test('B-FM-6: 117: no part of a token reaches the challenge', async () => {
  const answer = await send({ headers: { Authorization: `Bearer a", evil="${CANARY}` } });
  assert.ok(answer.status === 400 || answer.status === 401, String(answer.status));
  assert.doesNotMatch(JSON.stringify(answer.headers), /evil|Canary/);
});
