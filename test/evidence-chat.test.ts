import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ChatResult, chatResult } from '../src/contract/documents.ts';
import { callTool, readDocument } from './support/ask.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let nurse: string;

before(async () => {
  server = await startServer();
  nurse = await server.token('nurse');
});
after(() => server.stop());

async function chat(args: Readonly<Record<string, unknown>>): Promise<ChatResult> {
  const answer = await callTool(server, nurse, 'chat', args);
  assert.equal(answer.failed, false, answer.text);
  return chatResult.parse(answer.structured);
}

test('a question about nobody in particular is asked back', async () => {
  const { sentences, questions = [] } = await chat({ message: 'What was the last A1c?' });
  assert.deepEqual(sentences, []);
  assert.match(questions[0] ?? '', /Which member/);
});

test('a person named in the message is whom it is about, and the session stays with them', async () => {
  const first = await chat({ message: 'What was Ana’s latest A1c?' });
  assert.match(first.answer, /%/);
  assert.ok(first.sentences[0]?.sources.every(({ uri }) => uri.includes('/demo-ana/')));
  const next = await chat({ message: 'Which medicines are active?', session: first.session });
  assert.ok(next.sentences[0]?.sources.every(({ uri }) => uri.includes('/demo-ana/')));
});

test('a computed answer is one sentence, and each of its sources can be read', async () => {
  const { sentences } = await chat({ message: 'blood pressure trend', member: 'demo-ana' });
  assert.equal(sentences.length, 1);
  for (const { uri, etag } of sentences[0]?.sources ?? []) {
    assert.equal((await readDocument(server, nurse, uri)).etag, etag);
  }
});

test('what is not understood is asked back', async () => {
  const { questions = [] } = await chat({ message: 'xyzzy', member: 'demo-ana' });
  assert.equal(questions.length, 1);
});
