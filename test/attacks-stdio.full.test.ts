import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RpcMessage } from './support/ask.ts';
import { openBridge, type TestBridge } from './support/bridge.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { modernMessage } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * security.md §6 over stdio, as far as it is about messages: a line that is wrong gets an error or
 * nothing, and the next one is answered. (40–60 over stdio stand with those over HTTP.)
 */
const CANARY = 'Zebulon-Canary-1931';
const OWN = 'mcp://twins/member/demo-ben/coverage';

let server: TestServer;
let bridge: TestBridge;
let tried = 0;
before(async () => {
  server = await startServer();
  bridge = openBridge(server, 'ben');
});
after(async () => {
  console.log(`# attacks over stdio tried: ${tried}`);
  await bridge?.close();
  await server.stop();
});

/** Writes a line, and sees that the next one is answered; what was said in between. */
async function afterLine(line: string | Buffer): Promise<readonly RpcMessage[]> {
  tried += 1;
  const before = bridge.messages.length;
  bridge.line(line);
  const { result } = await bridge.ask('resources/read', { uri: OWN });
  assert.ok(result, 'the bridge goes on');
  return bridge.messages.slice(before).filter((message) => message.result !== result);
}

function assertRefused(message: RpcMessage): void {
  const { error, result } = message;
  assert.ok(error !== undefined || result?.isError === true, JSON.stringify(message));
  assert.ok(!JSON.stringify(message).includes(CANARY), 'echoed');
  assert.ok(JSON.stringify(message).length < 2_000);
}

let attacks = 0;
type Message = Record<string, unknown> & { params: Record<string, unknown> };
function good(change: (message: Message) => unknown = (message) => message): string {
  attacks += 1;
  const { body } = modernMessage('resources/read', { uri: OWN });
  return JSON.stringify(change({ ...(JSON.parse(body) as Message), id: `attack-${attacks}` }));
}
const search = (args: string): string =>
  good((message) => ({
    ...{ ...message, method: 'tools/call' },
    params: { ...message.params, name: 'search', arguments: {} },
  })).replace('"arguments":{}', `"arguments":${args}`);
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

type Row = readonly [number, string, string | Buffer];

/** By number of the list. None of these is a message of JSON-RPC: nobody can be answered. */
const GARBAGE: readonly Row[] = [
  [65, 'a batch', `[${good()},${good()}]`],
  [65, 'an empty batch', '[]'],
  [66, 'an id that is null', good((message) => ({ ...message, id: null }))],
  [66, 'an id that is an object', good((message) => ({ ...message, id: { a: CANARY } }))],
  [66, 'no method', good(({ method: _, ...message }) => message)],
  [66, 'jsonrpc 1.0', good((message) => ({ ...message, jsonrpc: '1.0' }))],
  [66, 'a text', JSON.stringify(CANARY)],
  [67, 'lists 50,000 deep', nested(50_000)],
  [67, 'params that are a list', good((message) => ({ ...message, params: [CANARY] }))],
  [74, 'half of a text', `{"name":"${CANARY}`],
  [74, 'what is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
];

for (const [number, what, line] of GARBAGE) {
  test(`B-FM-6: ${number}: ${what} over stdio changes nothing`, async () => {
    for (const message of await afterLine(line)) assertRefused(message);
  });
}

/** Messages that no method takes, with the code where the protocol has one. */
const REFUSED: readonly (readonly [...Row, number?])[] = [
  [67, 'arguments 50,000 deep', search(nested(50_000))],
  [68, '__proto__ as an argument', search(`{"query":"x","__proto__":{"a":1},"constructor":{}}`)],
  [68, 'an argument of nobody', search(`{"query":"x","${CANARY}":1}`)],
  [69, '300,000 elements', search(`{"query":"x","types":[${Array(300_000).fill(0)}]}`)],
  [70, 'a line of 2 MB', search(`{"query":"${'x'.repeat(2_000_000)}"}`), -32600],
  [74, 'half of a surrogate pair', search(`{"query":"${CANARY}\\ud800"}`), -32600],
  [75, 'initialize at 2026', good((message) => ({ ...message, method: 'initialize' })), -32601],
  [75, 'a method of nobody', good((message) => ({ ...message, method: '__proto__' })), -32601],
];

for (const [number, what, line, code] of REFUSED) {
  test(`B-FM-6: ${number}: ${what} is refused over stdio, and ends nothing else`, async () => {
    const id = /"id":"(attack-\d+)"/.exec(String(line))?.[1];
    await afterLine(line);
    const answer = await bridge.heard((message) => message.id === id);
    assertRefused(answer);
    if (code !== undefined) assert.equal(answer.error?.code, code);
    assert.equal(({} as Record<string, unknown>).a, undefined);
  });
}

test('B-FM-6: 74: a message that is refused over stdio leaves open streams alone', async () => {
  const { params } = JSON.parse(modernMessage('subscriptions/listen', {}).body) as Message;
  const notifications = { resourceSubscriptions: [OWN] };
  const listen = { jsonrpc: '2.0', id: 'listen', method: 'subscriptions/listen' };
  bridge.line(JSON.stringify({ ...listen, params: { ...params, notifications } }));
  await bridge.heard(({ method }) => method === 'notifications/subscriptions/acknowledged');
  await afterLine(search(`{"query":"\\udc00"}`));
  await bridge.askOld('tools/call', { name: 'search', arguments: { query: '\udc00' } });
  const ended = bridge.messages.filter(({ id }) => id === 'listen');
  assert.deepEqual(ended, []);
});

test('B-FM-6: 66: an id that is still being answered is refused over stdio, in a session', async () => {
  assert.ok((await bridge.askOld('ping', {})).result);
  const message = { jsonrpc: '2.0', id: 'twice', method: 'tools/call' };
  const params = { name: 'search', arguments: { query: 'coverage', member: 'demo-ben' } };
  tried += 1;
  bridge.line(JSON.stringify({ ...message, params }));
  bridge.line(JSON.stringify({ ...message, params: { ...params, arguments: { query: '' } } }));
  const answers = (): RpcMessage[] => bridge.messages.filter(({ id }) => id === 'twice');
  await bridge.heard(() => answers().length === 2);
  assert.ok(answers().some(({ error }) => error?.data?.code === 'INVALID_REQUEST'));
  assert.ok(answers().some(({ result }) => result?.isError !== true && result !== undefined));
});

test('B-FM-6: 84: forged cursors are refused over stdio', async () => {
  for (const cursor of ['A', 'A'.repeat(2_000), '../now', '__proto__']) {
    tried += 2;
    const list = await bridge.ask('resources/list', { cursor });
    assert.equal(list.error?.code, -32602, cursor);
    const read = await bridge.ask('resources/read', { uri: `mcp://twins/changes/${cursor}` });
    assert.equal(read.error?.code, -32602, cursor);
  }
});

test('B-FM-6: 87: 60,000 URIs in a listen over stdio are refused whole, in few words', async () => {
  tried += 1;
  const resourceSubscriptions = Array.from({ length: 60_000 }, (_, n) => `mcp://m/${n}`);
  const params = { notifications: { resourceSubscriptions } };
  const { error } = await bridge.ask('subscriptions/listen', params);
  assert.ok(error, 'refused');
  assert.ok(JSON.stringify(error).length < 1_000);
});

test('B-FM-6: 89: who subscribed over stdio before the permission was given is not told', async () => {
  tried += 1;
  const { error } = await bridge.askOld('resources/subscribe', { uri: ANA_COVERAGE });
  assert.equal(error?.code, -32602);
  const relation = 'member:demo-ana#guardian@user:ben';
  await server.relations('touch', relation);
  await changeCoverage(server);
  assert.ok((await bridge.askOld('resources/subscribe', { uri: OWN })).result);
  const told = bridge.messages.filter(({ params }) => params?.uri === ANA_COVERAGE);
  assert.deepEqual(told, []);
  await server.relations('delete', relation);
});

test('B-FM-6: 90: cancellations and progress of nobody’s requests over stdio change nothing', async () => {
  for (let n = 0; n < 200; n += 1) {
    const reason = 'x'.repeat(1_000);
    for (const [method, params] of [
      ['notifications/cancelled', { requestId: `none-${n}`, reason }],
      ['notifications/progress', { progressToken: n, progress: n }],
      ['notifications/cancelled', {}],
    ] as const) {
      tried += 1;
      bridge.line(JSON.stringify({ jsonrpc: '2.0', method, params }));
    }
  }
  assert.ok((await bridge.askOld('resources/read', { uri: OWN })).result);
  assert.ok((await bridge.ask('resources/read', { uri: OWN })).result);
});

test('B-FM-6: 101, 114: trace context and forged log lines over stdio come out nowhere', async () => {
  const forged = `x\r\n{"level":"fatal","msg":"${CANARY}"}\u001b[31m`;
  const traced = good((message) => {
    Object.assign(message.params._meta as object, { traceparent: '00-zz', baggage: CANARY });
    return message;
  });
  const said = [
    ...(await afterLine(traced)),
    ...(await afterLine(good((message) => ({ ...message, method: forged })))),
    await bridge.ask('prompts/get', { name: forged }),
  ];
  assert.ok(said.length >= 3);
  assert.ok(!JSON.stringify(said.slice(0, 2)).includes(CANARY));
  assert.ok(!server.output().includes(CANARY));
});
