/** One moment closes everything: each way in which a right ends, against each way in which it is used. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEFAULT_SCOPES } from '../src/contract/scopes.ts';
import { ask, callTool, readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { logIn, oauth } from './support/oauth.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

interface Way {
  readonly name: string;
  /** Of the token that uses the right. */
  readonly token: Readonly<Record<string, unknown>>;
  /** Where it comes by a login at the authorization server instead. */
  readonly take?: (member: string) => Promise<string>;
  readonly grant: (member: string) => Promise<unknown>;
  readonly end: (member: string, token: string) => Promise<unknown>;
}

const person = (member: string): string => `user:holder-${member}`;
const delegate = (member: string): string => `member:${member}#delegate@${person(member)}`;
const grantAll = (member: string) => server.relations('touch', delegate(member));
const suspension = async (method: 'PUT' | 'DELETE', client: string): Promise<void> => {
  const operator = await server.token('operator', { scope: 'admin' });
  const { status } = await server.fetch(operator, `/v1/suspensions/${client}`, { method });
  assert.equal(status, 200);
};

/** A person's own tool, which registers itself. */
const REDIRECT = 'http://127.0.0.1/callback';
let tool: Promise<string> | undefined;
const toolId = (): Promise<string> => {
  const metadata = { client_name: 'Table', redirect_uris: [REDIRECT] };
  tool ??= oauth(server.url)
    .register(metadata)
    .then(({ body }) => String(body.client_id));
  return tool;
};

async function logInAs(subject: string): Promise<string> {
  const code = await server.loginCode(subject);
  const client = { client_id: await toolId(), redirect_uri: REDIRECT };
  const scope = DEFAULT_SCOPES.join(' ');
  const { tokens } = await logIn(oauth(server.url), client, { scope }, ['code', code]);
  return String(tokens.body.access_token);
}

const WAYS: readonly Way[] = [
  {
    name: 'the grant is revoked',
    token: {},
    grant: grantAll,
    end: (member) => server.relations('delete', delegate(member)),
  },
  {
    name: 'the trust in the agent is taken back',
    token: { actor: 'table-bot' },
    async grant(member) {
      await server.relations(
        'touch',
        delegate(member),
        `${person(member)}#agent_all@agent:table-bot`,
      );
    },
    end: (member) => server.relations('delete', `${person(member)}#agent_all@agent:table-bot`),
  },
  {
    name: 'the client is suspended',
    token: { client_id: 'table-client' },
    grant: grantAll,
    end: () => suspension('PUT', 'table-client'),
  },
  {
    name: 'the agent is suspended',
    token: { actor: 'table-agent', client_id: 'platform' },
    async grant(member) {
      const trust = `${person(member)}#agent_all@agent:table-agent`;
      await server.relations('touch', delegate(member), trust);
    },
    end: () => suspension('PUT', 'table-agent'),
  },
  {
    name: 'the relation expires',
    token: {},
    async grant(member) {
      const ends = new Date(Date.now() + 4_000).toISOString();
      await server.relations('touch', `${delegate(member)}[expiration:${ends}]`);
    },
    // Nothing is done: its own time ends it.
    end: async () => undefined,
  },
  {
    name: 'the token is revoked',
    token: {},
    take: (member) => logInAs(`holder-${member}`),
    grant: grantAll,
    async end(_member, token) {
      const form = { token, client_id: await toolId() };
      assert.equal((await oauth(server.url).post('/oauth/revoke', form)).status, 200);
    },
  },
];

/** A change of a document, in a page of the feed. */
const TOLD = /"kind\\?":\\?"(created|updated|deleted)/;

for (const [index, way] of WAYS.entries()) {
  test(`B-AG-6: ${way.name}: nothing is left of it anywhere`, async () => {
    const member = `table-${index}`;
    const uri = `mcp://twins/member/${member}/profile`;
    const change = (name: string) =>
      server.importBundle(
        bundleOf(patient(member, { name: [{ family: name, given: ['Testa'] }] })),
      );
    assert.equal((await change('First')).status, 201);
    await way.grant(member);
    const token = await (way.take?.(member) ?? server.token(`holder-${member}`, way.token));
    await readDocument(server, token, uri);
    const page = await server.fetch(token, '/v1/changes?cursor=now');
    const { next } = (await page.json()) as { next: string };
    const feed = `mcp://twins/changes/${next}`;
    const chat = await callTool(server, token, 'chat', { message: 'What is her name?', member });
    const session = String(chat.structured.session);
    const stream = await listen(server, token, [uri]);
    assert.deepEqual(stream.acknowledged, [uri]);
    const older = await openSession(server, token);
    await older.send('resources/subscribe', { uri });
    const push = await older.push();

    const poll = server.fetch(token, '/v1/changes?cursor=now&wait=30').then((one) => one.text());
    // Answered after the poll is there.
    for (let turn = 0; turn < 3; turn += 1) await server.fetch(token, '/v1/changes?cursor=now');

    await way.end(member, token);
    await stream.end();
    assert.doesNotMatch(await poll, TOLD);
    const toldBefore = [stream.told.length, push.told.length];
    assert.equal((await change('Second')).status, 201);
    for (const read of [uri, session, `${uri}/Patient/${member}`]) {
      const { message, answer } = await ask(server, token, 'resources/read', { uri: read });
      assert.ok(message.error !== undefined, `${read}: ${answer.text}`);
    }
    const plain = await server.fetch(token, `/v1/twins/member/${member}/profile`);
    assert.ok([401, 403, 404].includes(plain.status), String(plain.status));
    const search = await server.fetch(token, '/v1/search?q=Testa');
    assert.doesNotMatch(await search.text(), new RegExp(member));
    const changes = await ask(server, token, 'resources/read', { uri: feed });
    assert.doesNotMatch(changes.answer.text, TOLD);
    const again = await listen(server, token, [uri]);
    assert.deepEqual(again.acknowledged, []);
    again.close();
    assert.deepEqual([stream.told.length, push.told.length], toldBefore);
    push.close();
  });
}
