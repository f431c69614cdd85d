import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { searchResult } from '../src/contract/documents.ts';
import { callTool } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let nurse: string;

before(async () => {
  server = await startServer();
  nurse = await server.token('nurse');
});
after(() => server.stop());

async function find(args: Readonly<Record<string, unknown>>) {
  const found = await callTool(server, nurse, 'search', args);
  assert.equal(found.failed, false, found.text);
  return searchResult.parse(found.structured).results;
}

const ANA = ['Ana Demo-Alvarez', '1974-03-14', 'DMO000000101'];

for (const asked of ANA) {
  test(`over a panel, "${asked}" finds the person first`, async () => {
    const [first] = await find({ query: asked });
    assert.match(first?.uri ?? '', /\/demo-ana\//);
  });

  test(`"${asked}" names the member of a search`, async () => {
    const results = await find({ query: 'A1c', member: asked });
    assert.ok(results.length > 0);
    for (const { uri } of results) assert.match(uri, /\/demo-ana\//);
  });
}

test('over a panel, facts of several members are ranked together', async () => {
  const results = await find({ query: 'blood pressure', limit: 50, budget: 20_000 });
  const members = new Set(results.map(({ uri }) => uri.split('/')[4]));
  assert.ok(members.size > 1, [...members].join());
});
