import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readDocumentResult, searchResult } from '../src/contract/documents.ts';
import { sleep } from '../src/kernel/clock.ts';
import { bundlesOf } from '../tools/evidence/sets.ts';
import { callTool } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';

/** The members with the longest records of both shapes that are shared. */
const LARGEST = ['5f516aa7-73ed-6d4a-4bd4-c1a02e1290dd', '58f620b1-910c-41b8-81cf-f8c7afd828b6'];
const QUESTIONS = [
  'What medicines does the member take?',
  'blood pressure trend',
  'How much was billed?',
  'all lab results',
  'list every procedure',
  'Where do they live?',
  'blood',
  '"; NEAR(a b) OR title:* -x',
];
const BUDGETS = [100, 250, 500, 2_000];

/** Two rules by which a text is cut into tokens: the stricter of them counts. */
const TOKENIZERS: Readonly<Record<string, (text: string) => number>> = {
  'four characters a token': (text) => text.length / 4,
  '1.3 tokens a word': (text) => text.split(/\s+/).filter((word) => word !== '').length * 1.3,
};

let server: TestServer;
let token: string;

before(async () => {
  server = await startServer({ env: { DEMO: 'off' } });
  const { shared, members } = bundlesOf(new Set(LARGEST));
  for (const bundle of [...shared, ...members.map(({ json }) => json)]) {
    assert.ok((await server.importBundle(bundle)).ok);
  }
  await server.relations('touch', ...LARGEST.map((id) => `member:${id}#self@user:reader`));
  token = await server.token('reader');
  for (const id of LARGEST) await untilRead(`mcp://twins/member/${id}/clinical`);
});
after(() => server.stop());

/** An import is acknowledged when the log has it; the view follows. */
async function untilRead(uri: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while ((await callTool(server, token, 'readDocument', { uri })).failed) {
    if (Date.now() > deadline) throw new Error(`${uri} does not appear`);
    await sleep(50);
  }
}

function within(text: string, budget: number, what: string): void {
  for (const [rule, count] of Object.entries(TOKENIZERS)) {
    assert.ok(count(text) <= budget, `${what}: ${count(text)} of ${budget} tokens by ${rule}`);
  }
}

for (const member of LARGEST) {
  test(`search is never over its budget: ${member.slice(0, 8)}`, async () => {
    for (const budget of BUDGETS) {
      for (const query of QUESTIONS) {
        const found = await callTool(server, token, 'search', { query, member, budget });
        within(found.text, budget, query);
        const result = searchResult.parse(found.structured);
        assert.ok(result.budget.used <= budget, `says ${result.budget.used} of ${budget}`);
      }
    }
  });

  test(`a read with focus is never over its budget: ${member.slice(0, 8)}`, async () => {
    const uri = `mcp://twins/member/${member}/clinical`;
    for (const format of ['markdown', 'json']) {
      for (const budget of BUDGETS) {
        for (const focus of QUESTIONS.slice(0, 3)) {
          const args = { uri, focus, budget, format };
          const read = await callTool(server, token, 'readDocument', args);
          assert.ok(readDocumentResult.parse(read.structured).budget.used <= budget);
          within(read.text, budget, `${format} ${focus}`);
        }
      }
    }
  });

  test(`search and one read of its first result fit into 2,000: ${member.slice(0, 8)}`, async () => {
    for (const query of QUESTIONS) {
      const found = await callTool(server, token, 'search', { query, member, budget: 500 });
      const [first] = searchResult.parse(found.structured).results;
      if (first === undefined) continue;
      const budget = 2_000 - Math.ceil(found.text.length / 4);
      const args = { uri: first.uri, focus: query, budget };
      const read = await callTool(server, token, 'readDocument', args);
      assert.equal(read.failed, false, read.text);
      within(`${found.text}\n${read.text}`, 2_001, query);
    }
  });
}
