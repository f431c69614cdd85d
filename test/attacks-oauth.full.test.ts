import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, test } from 'node:test';
import { claimsOf, logIn, type OAuth, oauth } from './support/oauth.ts';
import { person } from './support/person.ts';
import { startServer, type TestServer } from './support/server.ts';

/** security.md §6, 33–39, 99, 100 and 102, against a real server and its authorization server. */

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const READS = 'twin:read twin:search twin:chat twin:subscribe';
const ANA = '/v1/twins/member/demo-ana/coverage';
const BEN = '/v1/twins/member/demo-ben/coverage';

let server: TestServer;
let to: OAuth;
let secret: string;
/** Whoever is asked for something that nobody should ask for. */
let bait: Server;
let baited = 0;

before(async () => {
  server = await startServer();
  to = oauth(server.url);
  secret = /client assistant, secret (\S+)/.exec(server.output())?.[1] ?? '';
  bait = createServer((_req, res) => {
    baited += 1;
    res.end('{}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => bait.once('listening', resolve));
});
after(async () => {
  bait.close();
  await server.stop();
});

const baitPort = (): number => (bait.address() as { port: number }).port;

async function agentAlone(): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: 'assistant', scope: READS };
  const { body } = await to.post('/oauth/token', form, secret);
  return String(body.access_token);
}

async function exchanged(token: string, more: Readonly<Record<string, string>> = {}) {
  const subject = { subject_token: token, subject_token_type: ACCESS_TOKEN };
  const form = { grant_type: EXCHANGE, client_id: 'assistant', ...subject, ...more };
  return await to.post('/oauth/token', form, secret);
}

const statusOf = async (token: string, path: string): Promise<number> =>
  (await server.fetch(token, path)).status;

test('B-AS-8: 33: an agent that comes without a person is nobody’s, and sees no member', async () => {
  const token = await agentAlone();
  const { sub, act, tenant, client_id } = claimsOf(token);
  assert.deepEqual(
    [sub, act, tenant, client_id],
    ['agent:assistant', undefined, 'demo', 'assistant'],
  );
  for (const path of [ANA, BEN, '/v1/twins/member/nobody/coverage']) {
    assert.equal(await statusOf(token, path), 404, path);
  }
  const found = await (await server.fetch(token, '/v1/search?q=A1c')).text();
  assert.doesNotMatch(found, /demo-/);
});

test('B-AS-8: 34: with a person’s token an agent sees what the person trusts it with', async () => {
  const ana = await exchanged(await server.token('ana'));
  assert.equal(ana.body.issued_token_type, ACCESS_TOKEN);
  assert.equal(await statusOf(String(ana.body.access_token), ANA), 200);
  const ben = await exchanged(await server.token('ben'));
  assert.equal(ben.status, 200);
  assert.equal(await statusOf(String(ben.body.access_token), BEN), 404);
});

test('35: the outermost actor decides, whoever acted before', async () => {
  const trusted = await exchanged(await server.token('ana', { actor: 'stranger' }));
  const { act } = claimsOf(trusted.body.access_token);
  assert.deepEqual(act, { sub: 'agent:assistant', act: { sub: 'agent:stranger' } });
  assert.equal(await statusOf(String(trusted.body.access_token), ANA), 200);
  assert.equal(await statusOf(await server.token('ana', { actor: 'stranger' }), ANA), 404);
});

test('B-AS-7: 36: an exchange for elsewhere, for more, or by nobody who may is refused', async () => {
  const ana = await server.token('ana', { scope: 'twin:read', ttlSeconds: 60 });
  for (const [more, error] of [
    [{ audience: 'https://upstream.example/mcp' }, 'invalid_target'],
    [{ resource: `${server.url}/mcp/` }, 'invalid_target'],
    [{ scope: 'twin:read twin:search' }, 'invalid_scope'],
    [{ scope: 'admin' }, 'invalid_scope'],
    [{ subject_token: `${ana}x` }, 'invalid_request'],
    [{ subject_token: await agentAlone() }, 'invalid_request'],
    [{ actor_token: ana, actor_token_type: ACCESS_TOKEN }, 'invalid_request'],
  ] as const) {
    const { status, body } = await exchanged(ana, more);
    assert.equal(body.error, error, JSON.stringify(body));
    assert.equal(status, 400);
  }
  const { body } = await exchanged(ana);
  const [mine, source] = [claimsOf(body.access_token), claimsOf(ana)];
  assert.deepEqual(
    [mine.exp, mine.aud, mine.scope],
    [source.exp, `${server.url}/mcp`, 'twin:read'],
  );
  const form = { grant_type: EXCHANGE, subject_token: ana, subject_token_type: ACCESS_TOKEN };
  const wrong = await to.post('/oauth/token', { ...form, client_id: 'assistant' }, 'wrong');
  assert.deepEqual([wrong.status, wrong.body.error], [401, 'invalid_client']);
  const registered = await to.register({ redirect_uris: ['http://127.0.0.1/cb'] });
  const client_id = String(registered.body.client_id);
  const self = await to.post('/oauth/token', { ...form, client_id });
  assert.equal(self.status, 400);
});

test('37: the session of one person is not there for an agent of another', async () => {
  const ana = String((await exchanged(await server.token('ana'))).body.access_token);
  await server.relations('touch', 'user:ben#agent_all@agent:assistant');
  const ben = String((await exchanged(await server.token('ben'))).body.access_token);
  const ask = async (token: string, session?: string) => {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
    const client = new Client({ name: 'agent', version: '1' });
    const headers = { authorization: `Bearer ${token}` };
    const requestInit = { headers };
    const url = new URL(`${server.url}/mcp`);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
    const more = session === undefined ? {} : { session };
    const args = { message: 'What is the A1c?', ...more };
    const result = await client.callTool({ name: 'chat', arguments: args });
    await client.close();
    return result as { isError?: boolean; structuredContent?: { session?: string } };
  };
  const session = (await ask(ana)).structuredContent?.session;
  assert.ok(session !== undefined);
  assert.equal((await ask(ben, session)).isError, true);
  assert.equal((await ask(ana, session)).structuredContent?.session, session);
  await server.relations('delete', 'user:ben#agent_all@agent:assistant');
});

test('38: a scope opens nothing that no relation opens', async () => {
  const token = await server.token('ana', { scope: `${READS} admin` });
  assert.equal(await statusOf(token, BEN), 404);
  const nobody = await (await server.fetch(token, '/v1/twins/member/nobody/coverage')).json();
  const ben = await (await server.fetch(token, BEN)).json();
  const shape = (answer: unknown): string =>
    JSON.stringify(answer)
      .replace(/demo-ben|nobody/, 'X')
      .replace(/"correlationId":"\w+"/, '');
  assert.equal(shape(ben), shape(nobody));
});

test('39: what is missing is named all at once, and the second try passes', async () => {
  const client = await to.register({ redirect_uris: ['http://127.0.0.1/cb'] });
  const known = { client_id: String(client.body.client_id), redirect_uri: 'http://127.0.0.1:1/cb' };
  const few = await logIn(to, known, { scope: 'twin:read:care' }, ['as', 'ana']);
  const token = String(few.tokens.body.access_token);
  const refused = await server.fetch(token, '/v1/search?q=A1c');
  assert.equal(refused.status, 403);
  const challenge = String(refused.headers.get('www-authenticate'));
  const scope = /scope="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const wider = await logIn(to, known, { scope }, ['as', 'ana']);
  assert.equal(await statusOf(String(wider.tokens.body.access_token), '/v1/search?q=A1c'), 200);
});

test('B-AS-5: 99: a client document on a host that is not public is asked for by nobody', async () => {
  for (const client_id of [
    ...['https://169.254.169.254/x', 'http://client.example.org/x', 'https://127.0.0.1/x'],
    ...[`https://127.0.0.1:${baitPort()}/x`, `https://localhost:${baitPort()}/x`],
    ...[`https://2130706433:${baitPort()}/x`, 'https://[::ffff:127.0.0.1]/x', 'https://[::1]/x'],
    ...[
      'https://intranet/x',
      'https://metadata.google.internal./x',
      `http://127.0.0.1:${baitPort()}/x`,
    ],
  ]) {
    const { url } = to.request({ client_id, redirect_uri: 'http://127.0.0.1/cb' });
    const shown = await person(server.url).visit(url);
    assert.ok(shown.status >= 400 && shown.status < 500, `${client_id}: ${shown.status}`);
    assert.match(shown.html, /This did not work/);
  }
  assert.equal(baited, 0);
});

test('100: metadata comes from the configuration, whatever a client sends', async () => {
  const paths = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-protected-resource/mcp',
  ];
  for (const path of paths) {
    const plain = await (await fetch(server.url + path)).text();
    const evil = `?issuer=https://evil.example&resource=https://evil.example`;
    const headers = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
    const asked = await (await fetch(server.url + path + evil, { headers })).text();
    assert.equal(asked, plain);
    assert.doesNotMatch(asked, /evil/);
  }
  const { url } = to.request({ client_id: 'assistant', redirect_uri: 'http://127.0.0.1/callback' });
  const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
  const answer = await fetch(url, { headers, redirect: 'manual' });
  assert.equal(answer.status, 303);
  assert.doesNotMatch(String(answer.headers.get('location')), /evil/);
});

test('B-AS-6: 102: pictures, pages and keys that a client names are fetched by nobody', async () => {
  const bad = `http://127.0.0.1:${baitPort()}/x`;
  const uris = { logo_uri: bad, client_uri: bad, policy_uri: bad, tos_uri: bad, jwks_uri: bad };
  const more = { sector_identifier_uri: bad, initiate_login_uri: bad, request_uris: [bad] };
  const redirect_uris = ['http://127.0.0.1/cb'];
  const { status, body } = await to.register({ redirect_uris, ...uris, ...more });
  assert.equal(status, 201, JSON.stringify(body));
  assert.doesNotMatch(JSON.stringify(body), new RegExp(`:${baitPort()}`));
  const client = { client_id: String(body.client_id), redirect_uri: 'http://127.0.0.1:1/cb' };
  const { consent, tokens } = await logIn(to, client, {}, ['as', 'ana']);
  assert.equal(tokens.status, 200);
  assert.doesNotMatch(consent.html, /<img|<link|<script|<iframe|src=/i);
  const asked = to.request({ ...client, request_uri: bad });
  const shown = await person(server.url).visit(asked.url);
  assert.equal(new URL(shown.url).searchParams.get('error'), 'request_uri_not_supported');
  assert.equal(baited, 0);
});
