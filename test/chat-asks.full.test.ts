import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chatResult } from '../src/contract/documents.ts';
import { CLIENTS, type Form, type Person, type TestClient } from './support/clients.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Multi-round requests and elicitation in chat, by every client (security.md §1.4 M3–M8). */
const BAKERS = { message: 'What does the plan of Demo-Baker cost?' };
const BEN_COVERAGE = 'mcp://twins/member/demo-ben/coverage';

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

/** A nurse, who reads all four members of the demo, and the forms that were shown to them. */
async function asNurse<T>(
  name: string,
  person: Person | undefined,
  use: (client: TestClient, forms: readonly Form[]) => Promise<T>,
): Promise<T> {
  const connect = CLIENTS[name];
  assert.ok(connect);
  const forms: Form[] = [];
  const shown: Person | undefined =
    person &&
    ((form) => {
      forms.push(form);
      return person(form);
    });
  const token = await server.token('nurse');
  const target = { url: server.url, token, dataDir: server.dataDir, as: 'nurse' };
  const client = await connect({ ...target, ...(shown && { person: shown }) });
  try {
    return await use(client, forms);
  } finally {
    await client.close();
  }
}

const chose = (member: string) => ({ action: 'accept' as const, content: { member } });
const offeredBy = ({ requestedSchema: { properties } }: Form) =>
  (properties.member as { oneOf?: { const: string; title: string }[] }).oneOf;

for (const name of Object.keys(CLIENTS)) {
  test(`B-MC-18: ${name}: chat asks whom it is about and goes on with whom was chosen`, () =>
    asNurse(
      name,
      () => chose('demo-ben'),
      async (client, forms) => {
        const { isError, structuredContent } = await client.call('chat', BAKERS);
        assert.notEqual(isError, true);
        const { sentences, session } = chatResult.parse(structuredContent);
        assert.equal(sentences[0]?.sources[0]?.uri.startsWith(BEN_COVERAGE), true);
        assert.equal(forms.length, 1);
        assert.deepEqual(offeredBy(forms[0] as Form), [
          { const: 'demo-ben', title: 'Ben Demo-Baker, 1985-11-02' },
          { const: 'demo-cleo', title: 'Cleo Demo-Baker, 2018-07-23' },
        ]);
        const next = await client.call('chat', { message: 'And the deductible?', session });
        assert.notEqual(next.isError, true);
        assert.equal(forms.length, 1, 'the session knows whom');
      },
    ));

  if (name.includes('stdio')) continue;

  test(`${name}: whoever declines, or takes no forms, gets the questions in the result`, async () => {
    const said: unknown[] = [];
    for (const person of [undefined, () => ({ action: 'decline' as const })]) {
      await asNurse(name, person, async (client) => {
        const { structuredContent, content } = await client.call('chat', BAKERS);
        const { session, ...rest } = chatResult.parse(structuredContent);
        assert.match(session, /^mcp:/);
        said.push([rest, content]);
      });
    }
    const question = 'Which member: Ben Demo-Baker, or Cleo Demo-Baker?';
    assert.deepEqual(said[1], said[0]);
    assert.partialDeepStrictEqual(said[0], [{ sentences: [], questions: [question] }]);
  });
}

for (const name of ['SDK 2.x over HTTP, 2026-07-28', 'SDK 1.x over HTTP, 2025 session']) {
  test(`${name}: who is not known is asked for in words; an unclear answer is asked about`, () => {
    const replies = ['Demo-Baker', 'demo-cleo'];
    return asNurse(
      name,
      () => chose(replies.shift() ?? ''),
      async (client, forms) => {
        const { structuredContent } = await client.call('chat', { message: 'What is the plan?' });
        const { sentences } = chatResult.parse(structuredContent);
        assert.match(sentences[0]?.sources[0]?.uri ?? '', /^mcp:\/\/twins\/member\/demo-cleo\//);
        assert.equal(forms.length, 2);
        assert.equal(offeredBy(forms[0] as Form), undefined);
        assert.equal(offeredBy(forms[1] as Form)?.length, 2);
      },
    );
  });

  test(`P1: ${name}: whoever was revoked while they were chosen is not found`, () =>
    asNurse(
      name,
      async () => {
        await server.relations('delete', 'member:demo-ben#organization@organization:demo');
        return chose('demo-ben');
      },
      async (client) => {
        try {
          const { isError, content } = await client.call('chat', BAKERS);
          assert.equal(isError, true);
          assert.match(content[0]?.text ?? '', /^NOT_FOUND: /);
        } finally {
          await server.relations('touch', 'member:demo-ben#organization@organization:demo');
        }
      },
    ));
}

for (const name of ['SDK 2.x over HTTP, 2025 session', 'SDK 1.x over HTTP, 2025 session']) {
  test(`${name}: a client that fails at its form has a failed result, and its session goes on`, () =>
    asNurse(
      name,
      (form) => {
        if (form.message !== '') throw new Error('no window');
        return { action: 'cancel' };
      },
      async (client) => {
        assert.equal((await client.call('chat', BAKERS)).isError, true);
        const { isError } = await client.call('chat', { ...BAKERS, member: 'demo-ben' });
        assert.notEqual(isError, true);
      },
    ));
}
