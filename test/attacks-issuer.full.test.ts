import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { ask, type RpcMessage } from './support/ask.ts';
import { attackTokens } from './support/attack-tokens.ts';
import { forgeWith } from './support/forged-tokens.ts';
import { startTestIssuer, type TestIssuer } from './support/issuer.ts';
import { modernMessage, type RawAnswer, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * A server whose tokens come from a company's issuer, in a process of its own: security.md §6, 1–39
 * as far as they concern a resource server, and fault F10 with the real process stopped and killed.
 */
const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
const READ = 'twin:read twin:search twin:chat twin:subscribe';

let issuer: TestIssuer;
let server: TestServer;
let hits = 0;
const listener = createServer((_req, res) => {
  hits += 1;
  res.end('{"keys":[]}');
});

before(async () => {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  issuer = await startTestIssuer();
  server = await startServer({ env: issuer.env });
  forgeWith({
    issuer: issuer.issuer,
    audience: `${server.url}/mcp`,
    jwk: (await issuer.keys()).at(-1) as Awaited<ReturnType<TestIssuer['keys']>>[number],
    elsewhere: (path) => `http://127.0.0.1:${port}${path}`,
  });
});
after(async () => {
  listener.close();
  await server?.stop();
  await issuer?.stop();
});

const tokenOf = (sub: string, more: object = {}): Promise<string> =>
  issuer.token({ aud: `${server.url}/mcp`, sub, tenant: 'demo', scope: READ, ...more });

async function readAs(sub: string, more: object = {}, uri = COVERAGE): Promise<RpcMessage> {
  return (await ask(server, await tokenOf(sub, more), 'resources/read', { uri })).message;
}

function assertNotFound({ error }: RpcMessage): void {
  assert.equal(error?.code, -32602);
  assert.equal(error.message, 'There is nothing here, or you may not read it.');
}

attackTokens(() => server);

test('6, 100: nobody fetched what a token names, and the metadata names the configured issuer', async () => {
  assert.equal(hits, 0);
  const metadata = `${server.url}/.well-known/oauth-protected-resource/mcp`;
  const { authorization_servers } = (await (await fetch(metadata)).json()) as {
    authorization_servers: string[];
  };
  assert.deepEqual(authorization_servers, [issuer.issuer]);
});

test('B-OA-9: nothing is minted here, not even for who holds the key of this server', async () => {
  await assert.rejects(server.token('ana'), /Tokens come from OAUTH_ISSUER alone/);
});

test('32: a token in the query or in the body is none', async () => {
  const token = await tokenOf('ana');
  const plain = await fetch(`${server.url}/v1/search?q=a&access_token=${token}`);
  assert.equal(plain.status, 401);
  const form = await fetch(`${server.url}/v1/sources`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `access_token=${token}`,
  });
  assert.equal(form.status, 401);
  const { headers, body } = modernMessage('resources/list', { access_token: token });
  const host = ['Host', new URL(server.url).host] as const;
  for (const path of ['/mcp', `/mcp?access_token=${token}`]) {
    const answer = await rawRequest(server.url, { path, headers: [host, ...headers], body });
    assert.equal(answer.status, 401, path);
  }
  assert.ok(!server.output().includes(token.slice(-40)));
});

test('30: a token that is bound to a key does not pass without its proof', async () => {
  const bound = await tokenOf('ana', {
    cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' },
  });
  assert.equal((await server.fetch(bound, '/v1/search?q=a')).status, 401);
  const plain = await tokenOf('ana');
  const headers = { authorization: `DPoP ${plain}`, dpop: 'eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.x' };
  assert.equal((await fetch(`${server.url}/v1/search?q=a`, { headers })).status, 401);
});

test('33: an agent without a person reads nothing of a member', async () => {
  assertNotFound(await readAs('agent:assistant'));
  assertNotFound(await readAs('assistant', { client_id: 'assistant' }));
});

test('34: an agent that the person does not trust reads nothing', async () => {
  assertNotFound(await readAs('ana', { act: { sub: 'agent:stranger' } }));
  assert.ok((await readAs('ana', { act: { sub: 'agent:assistant' } })).result);
});

test('35: only the outermost actor decides', async () => {
  const inner = { sub: 'agent:assistant' };
  assertNotFound(await readAs('ana', { act: { sub: 'agent:stranger', act: inner } }));
  const outer = { sub: 'agent:assistant', act: { sub: 'agent:stranger' } };
  assert.ok((await readAs('ana', { act: outer })).result);
});

test('37: a session of one person is nobody else’s, and of no other client of theirs', async () => {
  const chat = async (sub: string, args: object, more: object = {}): Promise<RpcMessage> => {
    const params = { name: 'chat', arguments: { message: 'What does my plan cost?', ...args } };
    return (await ask(server, await tokenOf(sub, more), 'tools/call', params)).message;
  };
  const opened = await chat('ana', {});
  const { session } = (opened.result?.structuredContent ?? {}) as { session?: string };
  assert.ok(session, JSON.stringify(opened));
  const others: [string, object][] = [
    ['ben', {}],
    ['ana', { client_id: 'other', act: { sub: 'agent:assistant' } }],
    ['ana', { tenant: 'other' }],
  ];
  for (const [sub, more] of others) {
    const { result, error } = await chat(sub, { session }, more);
    const text = JSON.stringify(error ?? result);
    assert.ok(result?.isError === true || error !== undefined, text);
    assert.match(text, /There is nothing here/);
  }
});

test('38: a scope is no relation', async () => {
  assertNotFound(await readAs('ben', { scope: `${READ} admin audit:read` }));
  assertNotFound(await readAs('ana', { tenant: 'other' }));
});

/** The parameters of a challenge. */
function challengeOf({ headers }: Pick<RawAnswer, 'headers'>): Record<string, string> {
  const text = String(headers['www-authenticate']);
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v]));
}

async function mcp(method: string, params: Record<string, unknown>, token?: string) {
  const name = params.uri ?? params.name;
  const { headers, body } = modernMessage(method, params, name as string | undefined);
  const host = ['Host', new URL(server.url).host] as const;
  const authorization =
    token === undefined ? [] : [['Authorization', `Bearer ${token}`] as [string, string]];
  return await rawRequest(server.url, { headers: [host, ...authorization, ...headers], body });
}

const OPERATIONS: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ['resources/read', { uri: COVERAGE }, 'twin:read:coverage'],
  ['tools/call', { name: 'search', arguments: { query: 'a' } }, 'twin:read twin:search'],
  ['tools/call', { name: 'chat', arguments: { message: 'a' } }, 'twin:read twin:chat'],
  [
    'tools/call',
    { name: 'readDocument', arguments: { uri: 'mcp://twins/member/demo-ana/clinical' } },
    'twin:read:clinical',
  ],
  ['subscriptions/listen', { notifications: {} }, 'twin:read twin:subscribe'],
];

test('B-OA-2: 1: a 401 names the scopes of what was asked for, over MCP and plain HTTP', async () => {
  for (const [method, params, scope] of OPERATIONS) {
    const answer = await mcp(method, params);
    assert.equal(answer.status, 401);
    const { error, ...named } = challengeOf(answer);
    assert.equal(error, undefined, 'no token, no error in it (RFC 6750 §3.1)');
    assert.equal(named.scope, scope, method);
    const refused = challengeOf(await mcp(method, params, 'not.a.token'));
    assert.deepEqual([refused.error, refused.scope], ['invalid_token', scope]);
  }
  const plain = async (path: string) => {
    const { status, headers } = await fetch(server.url + path);
    assert.equal(status, 401);
    return challengeOf({ headers: Object.fromEntries(headers) }).scope;
  };
  assert.equal(await plain('/v1/twins/member/demo-ana/care'), 'twin:read:care');
  assert.equal(await plain('/v1/search?q=a'), 'twin:read twin:search');
  assert.equal(await plain('/v1/relations'), 'relations:write');
  assert.equal(await plain('/metrics'), 'admin');
});

test('B-OA-3: 39: a 403 names every scope at once, and the token asked for next passes', async () => {
  for (const [method, params] of OPERATIONS.slice(0, 4)) {
    const held = 'twin:read:profile';
    const first = await mcp(method, params, await tokenOf('ana', { scope: held }));
    assert.equal(first.status, 403, first.text);
    const { error, scope, resource_metadata } = challengeOf(first);
    assert.equal(error, 'insufficient_scope');
    assert.equal(resource_metadata, `${server.url}/.well-known/oauth-protected-resource/mcp`);
    const second = await mcp(method, params, await tokenOf('ana', { scope: `${held} ${scope}` }));
    assert.equal(second.status, 200, second.text);
  }
});

test('B-OA-3: 31: who is expired and lacks a scope is told of the token, not of the scope', async () => {
  const iat = Math.floor(Date.now() / 1000) - 600;
  const expired = await tokenOf('ana', { iat, exp: iat + 300, scope: '' });
  const answer = await mcp('resources/read', { uri: COVERAGE }, expired);
  assert.equal(answer.status, 401);
  assert.equal(challengeOf(answer).error, 'invalid_token');
});

test('119: no answer may be kept for another token', async () => {
  const paths = ['/v1/search?q=a', '/v1/twins/member/demo-ana/coverage', '/v1/nothing'];
  for (const token of [await tokenOf('ana'), await tokenOf('ben'), 'none']) {
    for (const path of paths) {
      const { headers } = await server.fetch(token, path);
      assert.match(String(headers.get('cache-control')), /no-store|private/, path);
      assert.match(String(headers.get('vary')), /Authorization/i, path);
    }
  }
  const read = await mcp('resources/read', { uri: COVERAGE }, await tokenOf('ana'));
  assert.equal(read.headers['cache-control'], 'no-store');
  assert.match(String(read.headers.vary), /Authorization/i);
  assert.match(read.text, /"cacheScope":"private"/);
});

/** Until an answer is as wanted; whatever else comes meanwhile must be one of `meanwhile`. */
async function until(
  wanted: number,
  meanwhile: readonly number[],
  answer: () => Promise<number>,
): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const status = await answer();
    if (status === wanted) return;
    assert.ok(meanwhile.includes(status), `${status} instead of ${wanted}`);
    assert.ok(tries < 300, `still ${status} instead of ${wanted}`);
    await sleep(200);
  }
}

const searchAs = async (token: string): Promise<Response> =>
  await server.fetch(token, '/v1/search?q=a');

test('B-OA-5: F10: tokens of a new key are taken soon after it is published', async () => {
  const before = await tokenOf('ana');
  await issuer.rotate();
  const token = await tokenOf('ana');
  await until(200, [401], async () => (await searchAs(token)).status);
  assert.equal((await searchAs(before)).status, 200, 'and those of the old one still are');
});

test('B-OA-5: F10: while the issuer is away known keys go on, and unknown ones are 503', async () => {
  const known = await tokenOf('ana');
  await issuer.rotate();
  const unknown = await tokenOf('ana');
  await issuer.kill();
  await until(503, [401], async () => (await searchAs(unknown)).status);
  const refused = await searchAs(unknown);
  assert.equal(refused.status, 503);
  assert.ok(refused.headers.get('retry-after'));
  assert.equal(refused.headers.get('www-authenticate'), null, 'nobody is told to log in again');
  const fresh = forgedOf(known);
  assert.equal((await searchAs(known)).status, 200);
  assert.equal((await searchAs(fresh)).status, 401, 'a known key still tells a forged token');
  const { issuer: probe } = (await (await fetch(`${server.url}/readyz`)).json()) as {
    issuer: { ok: boolean; detail?: string };
  };
  assert.deepEqual(probe, { ok: true, detail: 'away: known keys go on for an hour' });
  await issuer.restart();
  await until(200, [503, 401], async () => (await searchAs(unknown)).status);
});

test('B-OA-5: F10: an issuer that hangs costs its own tokens a wait, and nobody else', async () => {
  const known = await tokenOf('ana');
  assert.equal((await searchAs(known)).status, 200);
  await issuer.rotate();
  const unknown = await tokenOf('ana');
  issuer.pause();
  try {
    const waiting = until(503, [401], async () => (await searchAs(unknown)).status);
    for (let n = 0; n < 20; n += 1) assert.equal((await searchAs(known)).status, 200);
    await waiting;
  } finally {
    issuer.resume();
  }
  await until(200, [503, 401], async () => (await searchAs(unknown)).status);
});

/** The same token for somebody else, with its old signature. */
function forgedOf(token: string): string {
  const [head, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const other = Buffer.from(JSON.stringify({ ...claims, sub: 'ben' })).toString('base64url');
  return `${head}.${other}.${signature}`;
}
