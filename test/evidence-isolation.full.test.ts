import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type SearchResult, searchResult } from '../src/contract/documents.ts';
import { copyOf, directoryBundles, memberBundles } from '../tools/members.ts';
import { callTool, readDocument } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Records of those whom a caller may not see move nothing of what the caller gets. */
const [OWN, STRANGER] = memberBundles().toSorted((a, b) => a.bytes - b.bytes);
const QUERIES = [
  'blood pressure',
  'flu shots',
  'What medicines are active?',
  'visits in 2025',
  'hypertension anemia sinusitis',
  'English',
];

let server: TestServer;
let token: string;

before(async () => {
  if (OWN === undefined) throw new Error('no shared member');
  server = await startServer({ env: { DEMO: 'off' } });
  const own = [copyOf(OWN, 1), copyOf(OWN, 2)];
  for (const { text } of directoryBundles()) await server.importBundle(text);
  token = await server.token('reader');
  for (const { member } of own) {
    await server.relations('touch', `member:${member}#guardian@user:reader`);
  }
  for (const { bundle } of own) await importAndApply(bundle);
});
after(() => server.stop());

/** An import is answered by the log: a search that names no position may not have it yet. */
async function importAndApply(bundle: string): Promise<void> {
  const response = await server.importBundle(bundle);
  const { position } = (await response.json()) as { position: string };
  assert.equal(response.status, 201);
  const uri = 'mcp://twins/changes/now';
  await readDocument(server, token, uri, { 'io.digital-twin/minPosition': position });
}

/** Everything but where in the log it stands: cursors are followed to their end. */
async function pagesOf(query: string, limit: number, budget: number): Promise<object[]> {
  const pages: object[] = [];
  let cursor: string | undefined;
  do {
    const args = { query, limit, budget, ...(cursor !== undefined && { cursor }) };
    const found = await callTool(server, token, 'search', args);
    assert.equal(found.failed, false, found.text);
    const page: SearchResult = searchResult.parse(found.structured);
    const results = page.results.map(({ position: _, ...result }) => result);
    pages.push({ results, omitted: page.omitted, budget: page.budget, text: found.text });
    cursor = page.next;
  } while (cursor !== undefined && pages.length < 5);
  return pages;
}

test('P1: a member whom the caller may not see changes no result, count, score or cursor', async () => {
  const asked = fc.sample(
    fc.tuple(
      fc.constantFrom(...QUERIES),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom(300, 2_000),
    ),
    { numRuns: 12, seed: 20_261_124 },
  );
  const before = [];
  for (const args of asked) before.push(await pagesOf(...args));
  assert.ok(
    before.some((pages) => pages.length > 1),
    'some of them page on',
  );
  if (STRANGER === undefined) throw new Error('no second member');
  for (const copy of [1, 2, 3]) {
    await importAndApply(copyOf(STRANGER, copy).bundle);
  }
  for (const [index, args] of asked.entries()) {
    assert.deepEqual(await pagesOf(...args), before[index], args.join(', '));
  }
});

test('P10: a filter narrows the computed answer too: no other type, section or date stands in it', async () => {
  const member = OWN === undefined ? '' : copyOf(OWN, 1).member;
  const ask = async (query: string, more: Readonly<Record<string, unknown>>) => {
    const found = await callTool(server, token, 'search', { query, member, ...more });
    return searchResult.parse(found.structured).results;
  };
  const types = await ask('What is the phone number and the blood pressure?', {
    types: ['Immunization'],
  });
  for (const { uri } of types) assert.match(uri, /\/Immunization\//);
  const sections = await ask('What is the phone number?', { sections: ['clinical'] });
  for (const { uri } of sections) assert.match(uri, /\/clinical\//);
  const since = '2026-01-01';
  for (const { date = since, sources = [] } of await ask('blood pressure trend', { since })) {
    assert.ok(date >= since);
    assert.ok(sources.every(({ uri }) => uri.includes('/Observation/')));
  }
  const old = await ask('blood pressure trend', { since: '2099-01-01' });
  assert.deepEqual(
    old.flatMap(({ sources = [] }) => sources),
    [],
  );
});
