import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LIMITS } from '../src/kernel/limits.ts';
import { callTool, readDocument } from './support/ask.ts';
import { openBridge, type TestBridge } from './support/bridge.ts';
import { bundleOf, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';

/** security.md §6, 93–98: what a query may hold is a word, and what may not be read is not counted. */
const OWN = 'mcp://twins/member/own';
const OPERATORS = [
  'pain OR zebranote',
  'NEAR(pain zebranote,1)',
  '^pain',
  'pain -zebranote',
  'zebra*',
];
/** By number, what is looked for; each alone would be an error or an operator of SQLite's FTS5. */
const QUERIES: Readonly<Record<number, readonly string[]>> = {
  93: ['"', 'NOT pain', 'pain AND (', '"pain', "pain'; DROP TABLE documents; --", '%', "' OR 1=1"],
  94: ['tenant:t2', '{tenant body}:t2', 'tenant:far-away', '-tenant:demo', 'body:pain'],
  95: OPERATORS,
  96: ['pain\u0000', '\u0000', '"pain\u0000" OR "zebranote', 'pa\u0001in\u001f'],
  97: ['('.repeat(5_000), `pain ${'('.repeat(200)}`, Array(5_000).fill('pain').join(' ')],
};
const SQL = /sql|fts5|syntax|unterminated|parser|no such|near "|MATCH|documents_|stack/i;

let server: TestServer;
let hana: string;
let bridge: TestBridge;
let tried = 0;

/** A condition of hana, of a stranger of the tenant, or of a far one, and a protected one. */
function condition(id: string, of: string, text: string, meta: object = {}) {
  const subject = { reference: `Patient/${of}` };
  return { resourceType: 'Condition', id, subject, code: { text }, meta };
}

async function imported(tenant: string, body: string): Promise<void> {
  const operator = await server.token('operator', { tenant, scope: 'sources:write' });
  const headers = { 'content-type': 'application/fhir+json' };
  const init = { method: 'POST', headers, body };
  const answer = await server.fetch(operator, '/v1/sources?source=search', init);
  const text = await answer.text();
  assert.equal(answer.status, 201, text);
  // An import is answered by the log; what is asked next shall be of a view that has it.
  const reader = await server.token('hana', { tenant });
  const { position } = JSON.parse(text) as { position: string };
  const meta = { 'io.digital-twin/minPosition': position };
  await readDocument(server, reader, 'mcp://twins/changes/now', meta);
}

before(async () => {
  server = await startServer({ env: { DEMO: 'off' } });
  const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }];
  const own = [condition('pain', 'own', 'Back pain'), condition('two', 'own', 'Zebranote')];
  await imported('demo', bundleOf(patient('own'), ...own));
  await imported('demo', bundleOf(patient('shown'), condition('q', 'shown', 'Quagga')));
  await server.relations(
    'touch',
    'member:own#delegate@user:hana',
    'member:shown#delegate@user:hana',
  );
  hana = await server.token('hana');
  bridge = openBridge(server, 'hana');
  counted = await counts();
  const strangers = ['t2', 'x1', 'x2'].map((id) =>
    condition(id, 'stranger', 'Quagga pain tenant t2'),
  );
  await imported('demo', bundleOf(patient('stranger'), ...strangers));
  await imported('far-away', bundleOf(patient('far'), condition('f', 'far', 'Quagga pain t2')));
  const hidden = condition('hidden', 'shown', 'Quagga hidden', { security });
  await imported('demo', bundleOf(patient('shown'), hidden));
});
after(async () => {
  console.log(`# search attacks tried: ${tried}`);
  await bridge?.close();
  await server.stop();
});

let counted: readonly string[] = [];

interface Found {
  readonly failed: boolean;
  readonly text: string;
  readonly uris: readonly string[];
}

async function overHttp(args: object): Promise<Found> {
  tried += 1;
  const { failed, text, structured } = await callTool(server, hana, 'search', { ...args });
  return { failed, text, uris: urisIn(structured) };
}

async function overStdio(args: object): Promise<Found> {
  tried += 1;
  const { error, result } = await bridge.ask('tools/call', { name: 'search', arguments: args });
  const {
    isError,
    structuredContent = {},
    content = [],
  } = (result ?? {}) as {
    isError?: boolean;
    structuredContent?: object;
    content?: { text: string }[];
  };
  const failed = isError === true || error !== undefined;
  return {
    failed,
    text: error?.message ?? content[0]?.text ?? '',
    uris: urisIn(structuredContent),
  };
}

function urisIn(structured: object): string[] {
  const { results = [] } = structured as { results?: { uri: string }[] };
  return results.map(({ uri }) => uri);
}

/** An answer, or a refusal in our words; never a record of somebody else, and never a word of SQL. */
function assertHarmless({ failed, text, uris }: Found, query: string): void {
  if (failed) assert.doesNotMatch(text, SQL, query);
  assert.ok(text.length < 20_000, `${text.length} characters`);
  for (const uri of uris) assert.match(uri, /^mcp:\/\/twins\/member\/(own|shown)\//, query);
}

for (const [number, queries] of Object.entries(QUERIES)) {
  for (const [way, find] of [
    ['over HTTP', overHttp],
    ['over stdio', overStdio],
  ] as const) {
    test(`B-MC-12: ${number}: what SQLite would take for syntax is words, ${way}`, async () => {
      for (const query of queries) assertHarmless(await find({ query }), query.slice(0, 40));
      const { uris } = await find({ query: 'back pain' });
      assert.ok(
        uris.some((uri) => uri.startsWith(OWN)),
        'and words are found afterwards',
      );
    });
  }
}

test('B-MC-12: 94: a column or a tenant in a query opens no other, by the plain route too', async () => {
  for (const query of QUERIES[94] ?? []) {
    tried += 1;
    const answer = await server.fetch(hana, `/v1/search?q=${encodeURIComponent(query)}`);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.doesNotMatch(text, /stranger|\/far\/|hidden/, query);
  }
});

test('B-MC-12: 97: a query past the bound is refused in few words', async () => {
  const { failed, text } = await overHttp({ query: 'x'.repeat(LIMITS.searchQueryCharsMax + 1) });
  assert.ok(failed);
  assert.ok(text.length < 1_000);
});

/** What search says of all, but for where in the log it stands. */
async function counts(): Promise<string[]> {
  const said: string[] = [];
  for (const query of ['quagga', 'pain', 'quagga pain hidden t2']) {
    for (const limit of [1, 20]) {
      tried += 1;
      const { structured, text } = await callTool(server, hana, 'search', { query, limit });
      const without = JSON.stringify(structured, (key, value: unknown) =>
        ['position', 'next', 'asOf'].includes(key) ? typeof value : value,
      );
      said.push(`${without} ${text}`);
    }
  }
  return said;
}

test('B-MC-12, P1: 98: records that may not be read change no count, score, snippet or cursor', async () => {
  const later = await counts();
  for (const [index, before] of counted.entries()) assert.equal(later[index], before);
  assert.match(later.join(), /Quagga/, 'something was found at all');
});
