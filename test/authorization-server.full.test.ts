import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { claimsOf, logIn, type OAuth, oauth } from './support/oauth.ts';
import { allowing, type Person, person } from './support/person.ts';
import { startServer, type TestServer } from './support/server.ts';

/** The embedded authorization server as clients and people meet it, on a real server. */

const READS = 'twin:read twin:search twin:chat twin:subscribe';
const ANA = '/v1/twins/member/demo-ana/coverage';
const CODE = 'urn:digital-twin:acr:code';
const PORTAL = 'https://portal.example.org/cb';

let server: TestServer;
let to: OAuth;
let secret: string;
let tool: { client_id: string; redirect_uri: string };

before(async () => {
  server = await startServer();
  to = oauth(server.url);
  secret = /client assistant, secret (\S+)/.exec(server.output())?.[1] ?? '';
  const { body } = await to.register({
    client_name: 'Tool',
    redirect_uris: ['http://127.0.0.1/cb'],
  });
  tool = { client_id: String(body.client_id), redirect_uri: 'http://127.0.0.1:4242/cb' };
  const hash = createHash('sha256').update('portal-secret').digest('hex');
  const portal = { client_id: 'portal', name: 'Portal', secret_sha256: hash, may_act: 'assistant' };
  const path = join(server.dataDir, 'oauth-clients.json');
  const clients = [{ ...portal, redirect_uris: [PORTAL] }];
  await writeFile(path, JSON.stringify({ clients }));
  await chmod(path, 0o600);
});
after(() => server.stop());

const portal = { client_id: 'portal', redirect_uri: PORTAL, secret: 'portal-secret' };

const statusOf = async (token: unknown, path = ANA): Promise<number> =>
  (await server.fetch(String(token), path)).status;

test('B-AS-2: the token has the contract’s claims; the answer says who gave the code', async () => {
  const purpose = { purpose_of_use: 'PATRQT' };
  const { done, tokens } = await logIn(to, tool, { scope: READS, ...purpose }, ['as', 'ana']);
  const answer = new URL(done.url).searchParams;
  assert.equal(answer.get('iss'), server.url);
  assert.equal(answer.get('state'), 'here');
  const { jti, iat, exp, auth_time, ...claims } = claimsOf(tokens.body.access_token);
  assert.deepEqual(claims, {
    ...{ iss: server.url, aud: `${server.url}/mcp`, sub: 'ana', tenant: 'demo' },
    ...{ client_id: tool.client_id, scope: READS, purpose_of_use: 'PATRQT' },
    acr: 'urn:digital-twin:acr:demo',
  });
  assert.equal(typeof jti, 'string');
  assert.equal(Number(exp) - Number(iat), 3_600);
  assert.ok(Math.abs(Number(auth_time) - Number(iat)) < 60);
  assert.equal(await statusOf(tokens.body.access_token), 200);
  assert.equal(await statusOf(tokens.body.access_token, '/v1/twins/member/demo-ben/coverage'), 404);
});

test('B-AS-2: without S256, for elsewhere, or to another address there is no code', async () => {
  const errors = async (params: Record<string, string>): Promise<string> => {
    const { url } = to.request({ ...tool, scope: READS, ...params });
    const shown = await person(server.url).visit(url);
    const { searchParams, hash } = new URL(shown.url);
    const error = searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error');
    return error ?? /<code>(\w+)<\/code>/.exec(shown.html)?.[1] ?? `page ${shown.status}`;
  };
  assert.equal(await errors({ code_challenge_method: 'plain' }), 'invalid_request');
  assert.equal(await errors({ code_challenge: '', code_challenge_method: '' }), 'invalid_request');
  assert.equal(await errors({ resource: 'https://else.example/mcp' }), 'invalid_target');
  assert.equal(await errors({ resource: `${server.url}/mcp/` }), 'invalid_target');
  assert.equal(await errors({ response_type: 'token' }), 'unsupported_response_type');
  assert.equal(
    await errors({ redirect_uri: 'http://127.0.0.1:4242/else' }),
    'invalid_redirect_uri',
  );
  assert.equal(await errors({ redirect_uri: 'https://evil.example/cb' }), 'invalid_redirect_uri');
  assert.equal(await errors({ client_id: 'nobody' }), 'invalid_client');
  assert.equal(await errors({ purpose_of_use: 'FUN' }), 'invalid_request');
  assert.equal(await errors({ request: 'x' }), 'request_not_supported');
  assert.equal(await errors({ prompt: 'none' }), 'login_required');
  assert.equal(await errors({ acr_values: 'gold' }), 'unmet_authentication_requirements');
});

test('B-AS-2: a code is for one use, its client, its verifier and its address', async () => {
  const who = person(server.url);
  const asked = to.request({ ...tool, scope: READS });
  const consent = await who.submit(await who.visit(asked.url), '/login', [['as', 'ana']]);
  const done = await who.submit(consent, '/consent', allowing(consent));
  const wrong = await to.redeem(done, 'x'.repeat(43), tool);
  assert.deepEqual([wrong.status, wrong.body.error], [400, 'invalid_grant']);
  const else_ = { ...tool, redirect_uri: 'http://127.0.0.1:1/cb' };
  assert.equal((await to.redeem(done, asked.verifier, else_)).body.error, 'invalid_grant');
  const good = await to.redeem(done, asked.verifier, tool);
  assert.equal(good.status, 200);
  const twice = await to.redeem(done, asked.verifier, tool);
  assert.equal(twice.body.error, 'invalid_grant');
  assert.equal(await statusOf(good.body.access_token), 401);
});

test('B-AS-3: a refresh token serves once; used again, everything of its grant has ended', async () => {
  const { tokens } = await logIn(to, tool, { scope: READS }, ['as', 'ana']);
  const renew = (token: unknown, more = {}) => {
    const form = { grant_type: 'refresh_token', client_id: tool.client_id, ...more };
    return to.post('/oauth/token', { ...form, refresh_token: String(token) });
  };
  const fewer = await renew(tokens.body.refresh_token, { scope: 'twin:read' });
  assert.equal(fewer.body.scope, 'twin:read');
  const second = await renew(fewer.body.refresh_token);
  assert.equal(second.body.scope, READS);
  assert.equal(await statusOf(second.body.access_token), 200);
  assert.equal((await renew(tokens.body.refresh_token)).body.error, 'invalid_grant');
  for (const { body } of [tokens, fewer, second])
    assert.equal(await statusOf(body.access_token), 401);
  assert.equal((await renew(second.body.refresh_token)).body.error, 'invalid_grant');
});

test('B-AS-4: 29: what is revoked is refused at once: the token, the grant, and what came of it', async () => {
  const first = await logIn(to, tool, { scope: READS }, ['as', 'ana']);
  const second = await logIn(to, tool, { scope: READS }, ['as', 'ana']);
  const form = { client_id: tool.client_id };
  const token = String(first.tokens.body.access_token);
  const foreign = await to.post('/oauth/revoke', { client_id: 'assistant', token }, secret);
  assert.equal(foreign.status, 200);
  assert.equal(await statusOf(token), 200, 'another client ends nothing');
  assert.equal((await to.post('/oauth/revoke', { ...form, token })).status, 200);
  assert.equal(await statusOf(token), 401);
  const kept = String(second.tokens.body.access_token);
  const exchanged = await to.post(
    '/oauth/token',
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: kept,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      client_id: 'assistant',
    },
    secret,
  );
  const agents = exchanged.body.access_token;
  assert.equal(await statusOf(agents), 200);
  const refresh = String(second.tokens.body.refresh_token);
  assert.equal((await to.post('/oauth/revoke', { ...form, token: refresh })).status, 200);
  for (const ended of [kept, agents]) assert.equal(await statusOf(ended), 401);
  const unknown = await to.post('/oauth/revoke', { ...form, token: 'nothing' });
  assert.equal(unknown.status, 200);
});

test('B-AS-8: an agent that logs a person in sees nothing until they tick a section', async () => {
  const agent = { client_id: 'assistant', redirect_uri: 'http://127.0.0.1:4242/callback', secret };
  const ben = '/v1/twins/member/demo-ben';
  const without = await logIn(to, agent, { scope: READS }, ['as', 'ben']);
  assert.match(without.consent.html, /An AI agent that whoever runs this server has registered/);
  assert.deepEqual(claimsOf(without.tokens.body.access_token).act, { sub: 'agent:assistant' });
  assert.equal(await statusOf(without.tokens.body.access_token, `${ben}/coverage`), 404);
  assert.deepEqual(await trustOf('ben'), []);
  const ticked = await logIn(to, agent, { scope: READS }, ['as', 'ben'], 'coverage', 'nonsense');
  const token = ticked.tokens.body.access_token;
  assert.equal(await statusOf(token, `${ben}/coverage`), 200);
  assert.equal(await statusOf(token, `${ben}/clinical`), 404);
  const [trust, ...more] = await trustOf('ben');
  assert.deepEqual(more, []);
  assert.match(String(trust), /^user:ben#agent_coverage@agent:assistant\[expiration:/);
  const again = await logIn(to, agent, { scope: READS }, ['as', 'ben'], 'coverage');
  assert.match(again.consent.html, /checked disabled> Insurance plans/);
  await server.relations('delete', String(trust).replace(/\[.*/, ''));
  assert.equal(await statusOf(token, `${ben}/coverage`), 404);
});

/** Relations by which somebody trusts an agent. */
async function trustOf(subject: string): Promise<string[]> {
  const operator = await server.token('operator', { scope: 'relations:write' });
  const answer = await server.fetch(operator, `/v1/relations?type=user&id=${subject}`);
  const { relationships } = (await answer.json()) as { relationships: string[] };
  return relationships.filter((one) => one.includes('@agent:'));
}

test('B-AS-8: a person’s own tool offers no trust, whatever its form says', async () => {
  const { consent, tokens } = await logIn(to, tool, { scope: READS }, ['as', 'ben'], 'coverage');
  assert.doesNotMatch(consent.html, /name="trust"/);
  assert.equal(claimsOf(tokens.body.access_token).act, undefined);
  assert.deepEqual(await trustOf('ben'), []);
});

test('B-AS-7: a portal’s token may be exchanged by the agent that it names alone', async () => {
  const { tokens } = await logIn(to, portal, { scope: READS }, ['as', 'ana']);
  assert.deepEqual(claimsOf(tokens.body.access_token).may_act, { sub: 'agent:assistant' });
  assert.equal(claimsOf(tokens.body.access_token).act, undefined);
});

test('B-AS-9: consent is remembered for a client that is not of this machine', async () => {
  const { who } = await logIn(to, portal, { scope: READS }, ['as', 'dov']);
  const again = to.request({ client_id: 'portal', redirect_uri: PORTAL, scope: 'twin:read' });
  const straight = await who.visit(again.url);
  assert.ok(straight.url.startsWith(`${PORTAL}?code=`), straight.url);
  const other = to.request({
    client_id: 'portal',
    redirect_uri: PORTAL,
    scope: 'eligibility:check',
  });
  assert.match((await who.visit(other.url)).html, /ask the insurer/);
  const purpose = { purpose_of_use: 'TREAT', scope: READS };
  const another = to.request({ client_id: 'portal', redirect_uri: PORTAL, ...purpose });
  assert.match((await who.visit(another.url)).html, /Purpose: TREAT/);
  // A program of this machine could be any program: RFC 8252 §8.6.
  const local = await who.visit(to.request({ ...tool, scope: READS }).url);
  assert.match(local.html, /act for dov/);
});

test('B-AS-9: what is strong takes a code; step-up asks again and says so in the token', async () => {
  const both = { scope: `${READS} relations:write` };
  const weak = await logIn(to, tool, both, ['as', 'ana']);
  assert.equal(weak.tokens.body.scope, READS);
  assert.match(weak.consent.html, /a login by a code alone may give/);
  for (const params of [{ scope: 'relations:write' }, { scope: READS, acr_values: CODE }]) {
    const { who } = await logIn(to, tool, both, ['as', 'ana']);
    const { url, verifier } = to.request({ ...tool, ...params });
    const page = await who.visit(url);
    assert.doesNotMatch(page.html, /name="as"/);
    const refused = await who.submit(page, '/login', [['as', 'ana']]);
    assert.equal(refused.status, 403);
    const consent = await who.submit(refused, '/login', [['code', await server.loginCode('ana')]]);
    const done = await who.submit(consent, '/consent', allowing(consent));
    const { body } = await to.redeem(done, verifier, tool);
    const { acr, scope } = claimsOf(body.access_token);
    assert.deepEqual([acr, scope], [CODE, params.scope]);
  }
});

test('B-AS-9: prompt=login and max_age ask for another login, and auth_time is of that one', async () => {
  const { who, tokens } = await logIn(to, portal, { scope: READS }, ['as', 'ana']);
  const before = Number(claimsOf(tokens.body.access_token).auth_time);
  const client = { client_id: 'portal', redirect_uri: PORTAL, scope: READS };
  await sleep(2_100);
  for (const params of [{ prompt: 'login' }, { max_age: '1' }, { max_age: '0' }]) {
    const { url, verifier } = to.request({ ...client, ...params });
    const page = await who.visit(url);
    assert.match(page.html, /First say who you are/, JSON.stringify(params));
    const done = await who.submit(page, '/login', [['as', 'ana']]);
    const { body } = await to.redeem(done, verifier, portal);
    assert.ok(Number(claimsOf(body.access_token).auth_time) > before);
    await sleep(2_100);
  }
  const lenient = await who.visit(to.request({ ...client, max_age: '600' }).url);
  assert.ok(lenient.url.startsWith(PORTAL), lenient.url);
});

test('B-AS-9: nobody is anybody by typing a name, and a code is used up', async () => {
  const login = async (fields: readonly [string, string][], who: Person = person(server.url)) => {
    const page = await who.visit(to.request({ ...tool, scope: READS }).url);
    return await who.submit(page, '/login', fields);
  };
  for (const as of ['operator', 'officer', 'nurse', 'someone', 'constructor', '__proto__', '']) {
    assert.equal((await login([['as', as]])).status, 403, as);
  }
  assert.equal((await login([['code', 'aaaa-aaaa-aaaa']])).status, 403);
  const code = await server.loginCode('officer');
  assert.match((await login([['code', code]])).html, /act for officer/);
  assert.equal((await login([['code', code]])).status, 403);
  const without = await fetch(`${server.url}/oauth/dev/login-code`, { method: 'POST' });
  assert.equal(without.status, 401);
});

test('B-AS-9: without the demo nobody may be picked, and no agent has a secret of the greeting', async () => {
  const bare = await startServer({ env: { DEMO: 'off' } });
  try {
    const there = oauth(bare.url);
    const { body } = await there.register({ redirect_uris: ['http://127.0.0.1/cb'] });
    const client = { client_id: String(body.client_id), redirect_uri: 'http://127.0.0.1:1/cb' };
    const who = person(bare.url);
    const page = await who.visit(there.request({ ...client, scope: READS }).url);
    assert.doesNotMatch(page.html, /name="as"/);
    assert.equal((await who.submit(page, '/login', [['as', 'ana']])).status, 403);
    assert.doesNotMatch(bare.output(), /client assistant/);
    const form = { grant_type: 'client_credentials', client_id: 'assistant' };
    assert.equal((await there.post('/oauth/token', form, secret)).status, 401);
  } finally {
    await bare.stop();
  }
});

test('B-AS-9: another person logs in in place of the first, whose login ends', async () => {
  const { who } = await logIn(to, portal, { scope: READS }, ['as', 'ana']);
  const page = await who.visit(to.request({ ...tool, scope: READS }).url);
  assert.match(page.html, /act for ana/);
  const login = await who.submit(page, '/switch', []);
  const consent = await who.submit(login, '/login', [['as', 'ben']]);
  assert.match(consent.html, /act for ben/);
  const asked = to.request({ ...tool, scope: READS, prompt: 'login' });
  const third = await who.submit(await who.visit(asked.url), '/login', [['as', 'dov']]);
  assert.match(third.html, /act for dov/);
});

test('B-AS-10: a form of elsewhere, of another login, or without its word is refused', async () => {
  const who = person(server.url);
  const page = await who.visit(to.request({ ...tool, scope: READS }).url);
  const action = /action="([^"]+\/login)"/.exec(page.html)?.[1] ?? '';
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
  const send = (headers: Record<string, string>, body: Record<string, string>) =>
    fetch(server.url + action, { method: 'POST', headers, body: new URLSearchParams(body) });
  const good = { csrf, as: 'ana' };
  assert.equal((await send({ origin: 'https://evil.example' }, good)).status, 403);
  assert.equal((await send({ origin: 'null' }, good)).status, 403);
  assert.equal((await send({ 'sec-fetch-site': 'cross-site' }, good)).status, 400, 'no cookie');
  assert.equal((await send({}, good)).status, 400, 'no cookie');
  const forged = { ...page, html: page.html.replaceAll(csrf, 'x') };
  assert.equal((await who.submit(forged, '/login', [['as', 'ana']])).status, 403);
  assert.match((await who.submit(page, '/login', [['as', 'ana']])).html, /act for ana/);
});

test('B-AS-10: what a client says of itself is text, on pages without script and frame', async () => {
  const client_name = `<script>alert(1)</script>"'><b>\u202eB\u200bank`;
  const { body } = await to.register({ client_name, redirect_uris: ['http://127.0.0.1/cb'] });
  const client = { client_id: String(body.client_id), redirect_uri: 'http://127.0.0.1:4242/cb' };
  const who = person(server.url);
  const login = await who.visit(to.request({ ...client, scope: READS }).url);
  const consent = await who.submit(login, '/login', [['as', 'ana']]);
  for (const page of [login, consent]) {
    assert.doesNotMatch(page.html, /<script|<b>|\u202e|\u200b/);
    assert.match(page.html, /&lt;script&gt;alert\(1\)/);
    const policy = String(page.headers.get('content-security-policy'));
    assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|script-src/);
    assert.equal(page.headers.get('x-frame-options'), 'DENY');
    assert.equal(page.headers.get('cache-control'), 'no-store');
  }
  assert.match(consent.html, /nobody vouches for it/);
  assert.match(consent.html, /14 days/);
});

test('B-AS-10: who does not allow it gives nothing', async () => {
  const who = person(server.url);
  const { url } = to.request({ ...tool, scope: READS });
  const consent = await who.submit(await who.visit(url), '/login', [['as', 'ana']]);
  const done = await who.submit(consent, '/consent', [['decision', 'deny']]);
  const answer = new URL(done.url).searchParams;
  assert.deepEqual([answer.get('error'), answer.get('code')], ['access_denied', null]);
  assert.equal(answer.get('iss'), server.url);
});

test('B-AS-6: what registers is bounded, and told so in OAuth’s own words', async () => {
  const wrong = await to.register({ redirect_uris: ['http://evil.example/cb'] });
  assert.deepEqual([wrong.status, wrong.body.error], [400, 'invalid_client_metadata']);
  const large = await fetch(`${server.url}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['http://127.0.0.1/cb'], x: 'x'.repeat(20_000) }),
  });
  assert.equal(large.status, 413);
  let refused: Awaited<ReturnType<OAuth['register']>> | undefined;
  for (let n = 0; n < 80 && refused === undefined; n += 1) {
    const answer = await to.register({ redirect_uris: ['http://127.0.0.1/cb'] });
    if (answer.status !== 201) refused = answer;
  }
  assert.deepEqual([refused?.status, refused?.body.error], [429, 'temporarily_unavailable']);
});

test('B-AS-4: a restart brings back neither a revoked token nor a used refresh token', async () => {
  const { tokens } = await logIn(to, portal, { scope: READS }, ['as', 'ana']);
  const keep = await logIn(to, portal, { scope: READS }, ['as', 'ana']);
  const form = { client_id: 'portal', token: String(tokens.body.access_token) };
  await to.post('/oauth/revoke', form, portal.secret);
  await server.stop();
  const port = new URL(server.url).port;
  server = await startServer({
    dataDir: server.dataDir,
    env: { PUBLIC_URL: server.url },
    args: ['--port', port],
  });
  to = oauth(server.url);
  assert.equal(await statusOf(tokens.body.access_token), 401);
  assert.equal(await statusOf(keep.tokens.body.access_token), 200);
  const renew = { grant_type: 'refresh_token', client_id: 'portal' };
  const token = String(keep.tokens.body.refresh_token);
  const again = await to.post('/oauth/token', { ...renew, refresh_token: token }, portal.secret);
  assert.equal(again.status, 200);
});
