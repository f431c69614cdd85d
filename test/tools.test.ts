import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chatResult, readDocumentResult, searchResult } from '../src/contract/documents.ts';
import { ask, type CalledTool, callTool, readDocument } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openSession } from './support/streams.ts';

/** The three tools: what they answer, twice, and how they refuse. */
const CLINICAL = 'mcp://twins/member/demo-ana/clinical';

let server: TestServer;
let ana: string;
let ben: string;
let eve: string;

before(async () => {
  server = await startServer();
  ana = await server.token('ana');
  ben = await server.token('ben');
  eve = await server.token('eve');
});
after(() => server.stop());

test('B-MC-9: search: each result stands in the structure and in the text, with its URI', async () => {
  const found = await callTool(server, eve, 'search', { query: 'A1c', member: 'demo-ana' });
  const { results, budget } = searchResult.parse(found.structured);
  assert.ok(results.length > 0);
  for (const { uri, title, snippet } of results) {
    for (const part of [uri, title, snippet]) assert.ok(found.text.includes(part), part);
    await readDocument(server, eve, uri);
  }
  assert.ok(found.text.length <= budget.given * 4 + 80, `${found.text.length}`);
  assert.deepEqual(searchResult.parse(found.structured), found.structured, 'and nothing besides');
});

test('B-MC-9: search pages on by its cursor, which goes on with the same question only', async () => {
  const ask10 = { query: 'blood', member: 'demo-ana', limit: 2, budget: 20_000 };
  const seen: string[] = [];
  let next: string | undefined;
  let omitted = 0;
  do {
    const args = { ...ask10, ...(next !== undefined && { cursor: next }) };
    const page = searchResult.parse((await callTool(server, eve, 'search', args)).structured);
    if (seen.length === 0) omitted = page.omitted;
    seen.push(...page.results.map(({ uri }) => uri));
    next = page.next;
  } while (next !== undefined && seen.length < 100);
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(seen.length, omitted + 2);
  const first = searchResult.parse((await callTool(server, eve, 'search', ask10)).structured);
  const other = { ...ask10, query: 'glucose', cursor: first.next };
  assert.ok((await callTool(server, eve, 'search', other)).failed);
  const foreign = await callTool(server, ana, 'search', { ...ask10, cursor: first.next });
  assert.ok(foreign.failed);
});

for (const format of ['markdown', 'json'] as const) {
  test(`B-MC-9: readDocument as ${format}: the text is the content, within its budget`, async () => {
    for (const budget of [100, 400, 20_000]) {
      const args = { uri: CLINICAL, format, budget, focus: 'A1c' };
      const read = await callTool(server, ana, 'readDocument', args);
      const result = readDocumentResult.parse(read.structured);
      assert.equal(read.text, result.content);
      assert.ok(result.content.length <= budget * 4);
      assert.equal(result.uri, CLINICAL);
      assert.equal(result.etag, (await readDocument(server, ana, CLINICAL)).etag);
      assert.ok(result.ttlMs > 0);
      if (format === 'json') JSON.parse(result.content);
      if (budget === 100) assert.ok(result.omitted.length > 0, 'it says what it left out');
    }
  });
}

test('B-MC-9: readDocument takes any URI of the twin: source, change feed and session', async () => {
  const chat = await callTool(server, ana, 'chat', { message: 'What was the last A1c?' });
  const { session } = chatResult.parse(chat.structured);
  const source = `${CLINICAL}/Observation/ana-a1c-2026-08-19`;
  for (const uri of [source, 'mcp://twins/changes/start', session]) {
    const read = await callTool(server, ana, 'readDocument', { uri });
    assert.equal(read.failed, false, read.text);
    assert.equal(readDocumentResult.parse(read.structured).uri, uri);
  }
});

test('B-MC-9: chat: each sentence cites what it says, in the structure and in the text', async () => {
  const chat = await callTool(server, eve, 'chat', {
    message: 'What was the last A1c?',
    member: 'demo-ana',
  });
  const { answer, sentences } = chatResult.parse(chat.structured);
  assert.ok(sentences.length > 0);
  assert.ok(chat.text.includes(answer));
  for (const { text, sources } of sentences) {
    assert.ok(answer.includes(text));
    assert.ok(sources.length > 0, text);
    for (const { uri, etag } of sources) {
      assert.ok(chat.text.includes(uri));
      assert.equal((await readDocument(server, eve, uri)).etag, etag);
    }
  }
});

test('B-MC-9: an answer satisfies the output schema that the tool announces', async () => {
  const { message } = await ask(server, ana, 'tools/list', {});
  const tools = message.result?.tools as { name: string; outputSchema: { required: string[] } }[];
  assert.deepEqual(tools.map(({ name }) => name).sort(), ['chat', 'readDocument', 'search']);
  const answers: Record<string, CalledTool> = {
    search: await callTool(server, ana, 'search', { query: 'A1c' }),
    readDocument: await callTool(server, ana, 'readDocument', { uri: CLINICAL }),
    chat: await callTool(server, ana, 'chat', { message: 'A1c?' }),
  };
  for (const { name, outputSchema } of tools) {
    for (const key of outputSchema.required)
      assert.ok(key in (answers[name]?.structured ?? {}), key);
  }
});

const WRONG: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['search', { query: 'A1c', limits: 5 }],
  ['search', { query: '' }],
  ['search', {}],
  ['search', { query: 'A1c', limit: 51 }],
  ['search', { query: 'A1c', limit: '5' }],
  ['search', { query: 'A1c', sections: ['labs'] }],
  ['search', { query: 'A1c', since: 'yesterday' }],
  ['search', { query: 'A1c', cursor: 'x y' }],
  ['search', { query: 'A1c', budget: 50 }],
  ['readDocument', { uri: CLINICAL, section: 'all' }],
  ['readDocument', { uri: CLINICAL, view: 'everything' }],
  ['readDocument', { uri: CLINICAL, freshness: { mode: 'REQUIRE_FRESH' } }],
  ['readDocument', { uri: CLINICAL, budget: 1e9 }],
  ['chat', { message: 'A1c?', session: 'mcp://sessions/mine' }],
  ['chat', { message: 'A1c?', temperature: 0 }],
  ['chat', { message: 'x'.repeat(4_001) }],
];

for (const [name, args] of WRONG) {
  test(`P10: ${name} refuses ${JSON.stringify(args).slice(0, 60)}`, async () => {
    const called = await callTool(server, ana, name, args);
    assert.ok(called.failed, called.text.slice(0, 200));
    assert.deepEqual(called.structured, {});
    assert.doesNotMatch(called.text, /demo-ana\/clinical\/|zod|\bat \//i);
  });
}

test('B-MC-10: a tool refuses the forbidden, the absent and the misspelt alike, in our words', async () => {
  const texts = [];
  for (const uri of [
    CLINICAL,
    CLINICAL.replace('demo-ana', 'demo-none'),
    `${CLINICAL}/`,
    'mcp://sessions/aaaaaaaaaaaaaaaaaaaaaaaaaa',
  ]) {
    const read = await callTool(server, ben, 'readDocument', { uri });
    assert.ok(read.failed);
    texts.push(read.text);
  }
  assert.equal(new Set(texts).size, 1);
  assert.match(texts[0] ?? '', /^NOT_FOUND: There is nothing here, or you may not read it\./);
});

test('a chat session is of one member, one person and one client', async () => {
  const first = await callTool(server, eve, 'chat', { message: 'A1c?', member: 'demo-ana' });
  const { session } = chatResult.parse(first.structured);
  const other = await callTool(server, eve, 'chat', {
    message: 'A1c?',
    member: 'demo-dov',
    session,
  });
  assert.ok(other.failed);
  assert.match(other.text, /^INVALID_ARGUMENT: This session is about another member/);
  const elsewhere = await server.token('eve', { client_id: 'another-client' });
  for (const token of [ana, ben, elsewhere]) {
    const foreign = await callTool(server, token, 'chat', { message: 'A1c?', session });
    assert.ok(foreign.failed);
    assert.match(foreign.text, /^NOT_FOUND: /);
    const { message } = await ask(server, token, 'resources/read', { uri: session });
    assert.equal(message.error?.code, -32602);
  }
  assert.equal((await callTool(server, eve, 'chat', { message: 'And?', session })).failed, false);
});

test('P9: a name that fits several people is asked back with ids alone', async () => {
  const named = { query: 'coverage', member: 'Demo-Baker' };
  const several = await callTool(server, ben, 'search', named);
  assert.ok(several.failed);
  assert.match(several.text, /^INVALID_ARGUMENT: Several people fit: .*demo-ben.*demo-cleo/);
  const response = await server.fetch(ben, '/v1/search?q=coverage&member=Demo-Baker');
  assert.equal(response.status, 400);
  const { error } = (await response.json()) as { error: { data: { members: string[] } } };
  assert.deepEqual(error.data.members, ['demo-ben', 'demo-cleo']);
  assert.doesNotMatch(JSON.stringify(error), /Baker|19\d\d|20\d\d/);
  const nobody = await callTool(server, ana, 'search', named);
  assert.deepEqual(nobody.structured.results, [], 'whoever may read neither learns nothing');
  assert.doesNotMatch(nobody.text, /demo-/);
});

test('B-MC-9: a session of the 2025 era gets the same answer', async () => {
  const session = await openSession(server, eve);
  const args = { query: 'A1c', member: 'demo-ana' };
  const answer = await session.send('tools/call', { name: 'search', arguments: args });
  const modern = await callTool(server, eve, 'search', args);
  const result = answer.result as { structuredContent: object; content: { text: string }[] };
  assert.deepEqual(result.structuredContent, modern.structured);
  assert.equal(result.content[0]?.text, modern.text);
});
