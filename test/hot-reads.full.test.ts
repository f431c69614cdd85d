import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { hostAndToken } from './support/ask.ts';
import { type RawAnswer, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * The hot path of reads against the SDK's own: one grammar of requests, valid and mutated, each sent
 * with the hot path off and on. Status, headers and body must be the same.
 */
const REQUESTS = 1_500;
const SECTIONS = ['profile', 'coverage', 'care', 'clinical', 'financial'];
const VERSION = 'io.modelcontextprotocol/protocolVersion';
const INFO = 'io.modelcontextprotocol/clientInfo';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

let server: TestServer;
let tokens: readonly string[];

before(async () => {
  server = await startServer({ env: { REQUESTS_PER_SECOND: '100000' } });
  tokens = await Promise.all([
    server.token('ana'),
    server.token('eve'),
    server.token('nurse'),
    server.token('ana', { scope: 'twin:read:coverage' }),
    server.token('ana', { purpose: 'HPAYMT' }),
    server.token('ana', { actor: 'assistant' }),
    server.token('nobody'),
  ]);
});
after(() => server.stop());

interface Sent {
  readonly who: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Fields = Record<string, Json>;

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
/** Mostly the first, so that most requests differ from a valid one by little. */
const mostly = <T>(usual: fc.Arbitrary<T>, ...odd: fc.Arbitrary<T>[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 24, arbitrary: usual }, ...odd.map((arbitrary) => ({ weight: 1, arbitrary })));

const uris = mostly(
  fc
    .tuple(oneOf('demo-ana', 'demo-dov', 'demo-ben', 'none'), oneOf(...SECTIONS))
    .map(([member, section]) => `mcp://twins/member/${member}/${section}`),
  oneOf(
    'mcp://twins/member/demo-ana/coverage/',
    'mcp://twins/member/demo-ana/coverage?x=1',
    'mcp://twins/member/../member/demo-ana/coverage',
    'MCP://twins/member/demo-ana/coverage',
    ' mcp://twins/member/demo-ana/coverage',
    'mcp://twins/member/none/access-log',
    'mcp://twins/member/demo-ana/coverage/Coverage/ana-coverage',
    'mcp://twins/practitioner/demo-dr-eve/profile',
    'mcp://twins/changes/x',
    '',
  ),
);
const ids: fc.Arbitrary<Json> = mostly<Json>(
  fc.oneof(fc.integer({ min: 0, max: 1e6 }), fc.string({ maxLength: 12 })),
  oneOf<Json>(null, true, 1.5, 'x'.repeat(65), [], {}, '"\\\u2028'),
);
const infos: fc.Arbitrary<Json> = mostly<Json>(
  oneOf<Json>({ name: 'a', version: '1' }, { name: 'a', version: '1', title: 'A' }),
  oneOf<Json>(null, {}, { name: 1, version: '1' }, { name: 'a' }, 'a', []),
  oneOf<Json>(
    { name: 'a', version: '1', icons: [{ src: 'data:,' }] },
    { name: 'a', version: '1', x: 1 },
  ),
);
const capabilities: fc.Arbitrary<Json> = mostly<Json>(
  oneOf<Json>({}, { elicitation: {} }, { elicitation: {}, sampling: {}, roots: {} }),
  oneOf<Json>(null, [], 'x', { elicitation: 1 }, { elicitation: { form: {} } }, { x: {} }),
);
const versions: fc.Arbitrary<Json> = mostly<Json>(
  oneOf<Json>('2026-07-28'),
  oneOf<Json>('2025-11-25', '2026-07-29', 1, null, ''),
);
const extras: fc.Arbitrary<Fields> = mostly<Fields>(
  oneOf<Fields>({}),
  oneOf<Fields>(
    { progressToken: 1 },
    { 'io.digital-twin/minPosition': 'x' },
    { 'io.digital-twin/allowBehind': true },
    { traceparent: '00-1-1-00' },
  ),
);
const dropped = mostly(
  oneOf(''),
  oneOf(VERSION, INFO, CAPABILITIES, 'uri', '_meta', 'params', 'id', 'jsonrpc', 'method'),
);

const bodies = fc
  .record({
    uri: uris,
    id: ids,
    info: infos,
    can: capabilities,
    version: versions,
    extra: extras,
    drop: dropped,
  })
  .chain(({ uri, id, info, can, version, extra, drop }) => {
    const meta = without({ [VERSION]: version, [INFO]: info, [CAPABILITIES]: can, ...extra }, drop);
    const params = without({ uri, _meta: meta }, drop);
    const plain: Fields = { jsonrpc: '2.0', id, method: 'resources/read', params };
    return fc.record({
      uri: fc.constant(uri),
      message: mostly<Json>(
        fc.constant<Json>(without(plain, drop)),
        oneOf<Json>(
          { ...plain, jsonrpc: '1.0' },
          { ...plain, method: 'resources/reads' },
          { ...plain, method: 'resources/list' },
          { ...plain, more: 1 },
          { ...plain, params: { ...params, more: 1 } },
          [plain],
          null,
          'x',
        ),
      ),
    });
  });

const headersFor = (uri: string) =>
  fc.record({
    accept: mostly(
      oneOf('application/json, text/event-stream'),
      oneOf('text/event-stream, application/json', '*/*', 'application/json', 'text/html', ''),
    ),
    type: mostly(oneOf('application/json'), oneOf('application/json; charset=utf-8', 'text/plain')),
    version: mostly(oneOf('2026-07-28'), oneOf('2025-11-25', '2026-07-29', '')),
    method: mostly(oneOf('resources/read'), oneOf('tools/list', 'Resources/Read', '')),
    name: mostly(
      fc.constant(uri),
      oneOf('mcp://twins/member/demo-ben/coverage', '', '=?base64?!!!?='),
      fc.constant(`=?base64?${Buffer.from(uri).toString('base64')}?=`),
    ),
    more: mostly<readonly [string, string][]>(
      oneOf<readonly [string, string][]>([]),
      oneOf<readonly [string, string][]>(
        [['Mcp-Session-Id', 'x']],
        [['Last-Event-ID', 'x_1']],
        [['Mcp-Name', uri]],
        [['Mcp-Method', 'resources/read']],
        [['If-None-Match', '"x"']],
      ),
    ),
  });

const requests: fc.Arbitrary<Sent> = bodies.chain(({ uri, message }) =>
  fc
    .record({ who: fc.nat({ max: 6 }), text: textOf(message), of: headersFor(uri) })
    .map(({ who, text, of }) => ({
      who,
      body: text,
      headers: (
        [
          ['Content-Type', of.type],
          ['Accept', of.accept],
          ['MCP-Protocol-Version', of.version],
          ['Mcp-Method', of.method],
          ['Mcp-Name', of.name],
          ...of.more,
        ] as const
      ).filter(([, value]) => value !== '' && /^[\x20-\x7e]*$/.test(value)),
    })),
);

function textOf(message: Json): fc.Arbitrary<string> {
  const text = JSON.stringify(message);
  return mostly(
    fc.constant(text),
    oneOf(JSON.stringify(message, null, 2), `${text}\n`, text.slice(0, -1), `${text}x`, ''),
    oneOf(text.replace('"method"', '"method":"tools/list","method"')),
    oneOf(text.replace('"uri":"', '"uri":"mcp://twins/member/demo-ben/care","uri":"')),
    oneOf(text.replace('{', '{"__proto__":{"x":1},')),
  );
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

async function turn(value: 'on' | 'off'): Promise<void> {
  const admin = await server.token('operator', { scope: 'admin' });
  const body = JSON.stringify({ name: 'hot-reads', value });
  const headers = { 'content-type': 'application/json' };
  const response = await server.fetch(admin, '/v1/flags', { method: 'POST', headers, body });
  assert.equal(response.status, 200);
}

function send({ who, headers, body }: Sent): Promise<RawAnswer> {
  const length: [string, string] = ['Content-Length', String(Buffer.byteLength(body))];
  const token = tokens[who] ?? '';
  return rawRequest(server.url, {
    headers: [...hostAndToken(server, token), ...headers, length],
    body,
  });
}

/** What may differ: ids of the exchange, the date, and what ages with the token. */
function comparable({ status, headers, text }: RawAnswer) {
  const { date: _, 'correlation-id': correlation, ...rest } = headers;
  const ids = /"io.digital-twin\/correlationId":"\w+"/g;
  return {
    status,
    headers: rest,
    correlated: correlation !== undefined,
    text: text.replaceAll(ids, ''),
  };
}

async function hotReads(): Promise<number> {
  const admin = await server.token('operator', { scope: 'admin' });
  const text = await (await server.fetch(admin, '/metrics')).text();
  return Number(/^digital_twin_hot_reads_total (\d+)/m.exec(text)?.[1] ?? 0);
}

test('B-HP-1, P10: with the hot path and without, each request has the same answer', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  const sent = fc.sample(requests, { numRuns: REQUESTS, seed });
  await turn('off');
  const asked = await hotReads();
  const expected = [];
  for (const one of sent) expected.push(comparable(await send(one)));
  assert.equal(await hotReads(), asked, 'off is off');
  await turn('on');
  const statuses = new Map<number, number>();
  for (const [index, one] of sent.entries()) {
    // The first may ask for the decision; from the second on it is known.
    for (const round of [1, 2]) {
      const shown = comparable(await send(one));
      assert.deepEqual(shown, expected[index], `seed ${seed}, ${round}: ${JSON.stringify(one)}`);
      statuses.set(shown.status, (statuses.get(shown.status) ?? 0) + 1);
    }
  }
  const hot = (await hotReads()) - asked;
  t.diagnostic(
    `seed ${seed}: ${sent.length} requests, ${hot} answers by the hot path; ` +
      [...statuses].map(([status, count]) => `${status}: ${count}`).join(', '),
  );
  assert.ok(hot > REQUESTS / 10);
  assert.ok(statuses.size >= 5);
});
