import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sleep } from '../src/kernel/clock.ts';
import { isObject } from '../src/kernel/json.ts';
import { readDocument } from './support/ask.ts';
import { ANA_COVERAGE } from './support/changes.ts';
import { modernMessage, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/** JSON-RPC bodies and headers at random, for a minute in CI: no crash, no 5xx, no growth. */
const SECONDS = process.env.CI === undefined ? 30 : 60;
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const GROWTH_MAX_MB = 60;
/** As many as two cores do beside other work, and below the rate that a principal may ask at. */
const AT_ONCE = 4;

let server: TestServer;
let ana: string;
before(async () => {
  server = await startServer({ env: { REQUESTS_PER_SECOND: '1000000' } });
  ana = await server.token('ana');
});
after(() => server.stop());

const METHODS = [
  ...['initialize', 'ping', 'server/discover', 'tools/list', 'tools/call', 'resources/list'],
  ...['resources/read', 'resources/templates/list', 'prompts/list', 'prompts/get'],
  ...['completion/complete', 'subscriptions/listen', 'resources/subscribe', 'logging/setLevel'],
  ...['notifications/cancelled', 'notifications/progress', 'notifications/initialized'],
];

const word = fc.oneof(
  fc.constantFrom('search', 'readDocument', 'chat', ANA_COVERAGE, 'demo-ana', '__proto__', ''),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const scalar = fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie('any'), { maxLength: 5 }),
    fc.dictionary(word, tie('any'), { maxKeys: 5 }),
  ),
})).any;
const LISTENED = ['resourceSubscriptions', 'toolsListChanged', 'taskIds'];
const KEYS = ['uri', 'name', 'arguments', 'cursor', 'ref', 'argument', 'notifications', '_meta'];
const params = fc.oneof(
  value,
  fc.dictionary(fc.constantFrom(...KEYS), value),
  fc.record({ uri: word, cursor: word }, { requiredKeys: ['uri'] }),
  fc.record({
    name: fc.constantFrom('search', 'readDocument', 'chat', 'visit-prep'),
    arguments: fc.dictionary(
      fc.constantFrom('query', 'uri', 'message', 'member', 'limit', 'sections', 'budget'),
      value,
    ),
  }),
  fc.record({
    ref: fc.record({ type: fc.constantFrom('ref/prompt', 'ref/resource'), uri: word, name: word }),
    argument: fc.record({ name: word, value: word }),
  }),
  fc.record({ notifications: fc.dictionary(fc.constantFrom(...LISTENED), value) }),
);

/** `null` nine times of ten. */
function rarely<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, arbitrary);
}

/** A good message with some of it replaced; or nothing of it left. */
const mutant = fc.record({
  method: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...METHODS) }, word),
  params,
  keepsEnvelope: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.boolean()),
  id: fc.oneof({ weight: 9, arbitrary: fc.integer() }, scalar),
  jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, scalar),
  cut: rarely(fc.nat(200)),
  headers: rarely(
    fc.dictionary(
      fc.constantFrom(
        ...['Mcp-Method', 'Mcp-Name', 'MCP-Protocol-Version', 'Accept', 'Content-Type'],
        ...['Mcp-Session-Id', 'Last-Event-ID', 'Mcp-Param-Region', 'X-Forwarded-For', 'Cookie'],
      ),
      fc.string({ unit: fc.constantFrom(...'aZ09-_=?;,/"{} %\t'), maxLength: 60 }),
      { minKeys: 1, maxKeys: 3 },
    ),
  ),
});
type Mutant = typeof mutant extends fc.Arbitrary<infer T> ? T : never;

function requestOf({ method, params: given, keepsEnvelope, id, jsonrpc, cut, headers }: Mutant) {
  const { name, uri } = isObject(given) ? given : {};
  const named = typeof name === 'string' ? name : typeof uri === 'string' ? uri : undefined;
  const good = modernMessage(String(method), {}, named);
  const envelope = (JSON.parse(good.body) as { params: object }).params;
  const whole = keepsEnvelope && isObject(given) ? { ...given, ...envelope } : given;
  const text = JSON.stringify({ jsonrpc, id, method, params: whole });
  const over = new Map(Object.entries(headers ?? {}).map(([name, said]) => [name, said.trim()]));
  const all = [
    ['Host', new URL(server.url).host],
    ['Authorization', `Bearer ${ana}`],
    ...good.headers.filter(([name]) => !over.has(name)),
    ...over,
  ] as [string, string][];
  const sendable = all.map(([name, said]): [string, string] => [name, said.replace(/[^ -~]/g, '')]);
  return { headers: sendable, body: cut === null ? text : text.slice(0, cut) };
}

/** The heap at its lowest, MB: just after a collection, where only what is held is left. */
function lowestHeap(): { stop: () => Promise<number> } {
  let lowest = Number.POSITIVE_INFINITY;
  let going = true;
  const sampling = (async () => {
    const admin = await server.token('operator', { scope: 'admin' });
    while (going) {
      const metrics = await (await server.fetch(admin, '/metrics')).text();
      const used = Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(metrics)?.[1]);
      lowest = Math.min(lowest, used / 2 ** 20);
      await sleep(250);
    }
  })();
  return {
    async stop() {
      going = false;
      await sampling;
      return lowest;
    },
  };
}

test(`B-FM-6: messages at random end in an answer of ours (FUZZ_SEED=${SEED})`, async () => {
  const statuses = new Map<number, number>();
  const one = fc.asyncProperty(fc.array(mutant, { maxLength: AT_ONCE }), async (mutants) => {
    await Promise.all(
      mutants.map(async (made) => {
        const request = requestOf(made);
        const { status, text } = await rawRequest(server.url, request);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const shown = `${status} ${text.slice(0, 200)} for ${JSON.stringify(request)}`;
        assert.ok(status >= 200 && status < 500, shown);
        assert.doesNotMatch(text, /node:internal|SyntaxError|TypeError|"code":"INTERNAL"/, shown);
      }),
    );
  });
  const lowestMb: number[] = [];
  for (const [half, seed] of [SEED, SEED + 1].entries()) {
    const heap = lowestHeap();
    await fc.assert(one, {
      seed,
      numRuns: 1_000_000,
      interruptAfterTimeLimit: (SECONDS / 2) * 1_000,
      markInterruptAsFailure: false,
    });
    lowestMb[half] = await heap.stop();
  }
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, n]) => `${status}: ${n}`);
  const [first = 0, second = 0] = lowestMb;
  const grew = `heap at least ${first.toFixed(0)} MB, then ${second.toFixed(0)} MB`;
  console.log(`# seed ${SEED}; ${counts.join(', ')}; ${grew}`);
  assert.ok(second - first < GROWTH_MAX_MB, grew);
  assert.ok((await readDocument(server, ana, ANA_COVERAGE)).etag, 'it still answers');
  assert.doesNotMatch(server.output(), /"msg":"fault"/);
});
