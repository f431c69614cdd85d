import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  discoverOAuthProtectedResourceMetadata,
  extractWWWAuthenticateParams,
  selectResourceURL,
} from '@modelcontextprotocol/client';
import { sleep } from '../src/kernel/clock.ts';
import { ANA_COVERAGE } from './support/changes.ts';
import { modernMessage, type RawAnswer, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

/** peers.md T9: how a client finds out whom to ask for a token, and what a wrong one gets. */
const METADATA = '/.well-known/oauth-protected-resource';

let server: TestServer;
let signed: (claims: Readonly<Record<string, unknown>>) => string;

before(async () => {
  server = await startServer();
  signed = await signing();
});
after(() => server.stop());

/** Tokens by the server's own issuer, good but for what the test changes. */
async function signing() {
  const keys = JSON.parse(await readFile(join(server.dataDir, 'keys.json'), 'utf8')) as {
    issuer: { kid: string };
  };
  const key = createPrivateKey({ key: keys.issuer as never, format: 'jwk' });
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = part({ alg: 'ES256', typ: 'at+jwt', kid: keys.issuer.kid });
  return (claims: Readonly<Record<string, unknown>>): string => {
    const iat = Math.floor(Date.now() / 1000);
    const own = { iss: server.url, aud: `${server.url}/mcp`, sub: 'ana', client_id: 'peer' };
    const scope = 'twin:read twin:search twin:chat twin:subscribe';
    const times = { iat, exp: iat + 60, jti: 'peer-1', tenant: 'demo', scope };
    const input = `${head}.${part({ ...own, ...times, ...claims })}`;
    const made = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
    return `${input}.${made.toString('base64url')}`;
  };
}

/** One of each kind of request, by what it is. */
const REQUESTS = {
  'a read of 2026': [
    'POST',
    '/mcp',
    modernMessage('resources/read', { uri: ANA_COVERAGE }, ANA_COVERAGE),
  ],
  'a tool call of 2026': [
    ...['POST', '/mcp'],
    modernMessage('tools/call', { name: 'search', arguments: { query: 'x' } }, 'search'),
  ],
  'a listen of 2026': [
    ...['POST', '/mcp'],
    modernMessage('subscriptions/listen', { notifications: {} }),
  ],
  'initialize of 2025': [
    ...['POST', '/mcp'],
    {
      headers: [['Content-Type', 'application/json']],
      body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}',
    },
  ],
  'a push stream of 2025': ['GET', '/mcp', { headers: [['Accept', 'text/event-stream']] }],
  'the end of a session': ['DELETE', '/mcp', { headers: [['Mcp-Session-Id', 'x']] }],
  'plain search': ['GET', '/v1/search?q=x', { headers: [] }],
  'plain changes': ['GET', '/v1/changes?cursor=now', { headers: [] }],
} as unknown as Readonly<
  Record<string, readonly [string, string, { headers: [string, string][]; body?: string }]>
>;

function send(name: string, token?: string): Promise<RawAnswer> {
  const [method = '', path = '', { headers, body } = { headers: [] }] = REQUESTS[name] ?? [];
  const authorization: [string, string][] =
    token === undefined ? [] : [['Authorization', `Bearer ${token}`]];
  const all = [['Host', new URL(server.url).host], ...headers, ...authorization] as const;
  return rawRequest(server.url, {
    ...{ method, path, headers: all },
    ...(body !== undefined && { body }),
  });
}

function assertChallenged({ status, headers, text }: RawAnswer, error: string | undefined): void {
  assert.equal(status, 401, text.slice(0, 300));
  const response = new Response(null, { status, headers: headers as Record<string, string> });
  const challenge = extractWWWAuthenticateParams(response);
  assert.equal(challenge.resourceMetadataUrl?.href, `${server.url}${METADATA}/mcp`);
  assert.match(String(challenge.scope), /\btwin:read\b/);
  assert.equal(challenge.error, error);
  assert.doesNotMatch(text, /"result"|isError/);
}

for (const name of Object.keys(REQUESTS)) {
  test(`T9: ${name} without a token is 401 and names the metadata`, async () => {
    assertChallenged(await send(name), undefined);
  });

  test(`T9: ${name} with an expired token is 401, never a tool's error`, async () => {
    const now = Math.floor(Date.now() / 1000);
    assertChallenged(await send(name, signed({ iat: now - 120, exp: now - 60 })), 'invalid_token');
  });
}

for (const [what, aud] of [
  ['the origin alone', (own: string) => own],
  ['another server', () => 'https://other.example/mcp'],
  ['another path', (own: string) => `${own}/v1`],
  ['ours with a slash', (own: string) => `${own}/mcp/`],
  ['ours and another', (own: string) => [`${own}/mcp`, 'https://other.example/mcp']],
  ['nobody', () => undefined],
] as const) {
  test(`T9: a token for ${what} is 401`, async () => {
    for (const name of ['a tool call of 2026', 'plain search']) {
      assertChallenged(await send(name, signed({ aud: aud(server.url) })), 'invalid_token');
    }
  });
}

test('T9: the token that those are made of is taken', async () => {
  assert.equal((await send('a read of 2026', signed({}))).status, 200);
  assert.equal((await send('plain search', signed({}))).status, 200);
});

test('T9: the metadata names the resource that tokens are for, at its own path alone', async () => {
  const answer = await fetch(`${server.url}${METADATA}/mcp`);
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers.get('content-type')), /^application\/json/);
  const document = (await answer.json()) as Record<string, unknown>;
  assert.equal(document.resource, `${server.url}/mcp`);
  assert.ok((document.authorization_servers as string[]).length > 0);
  assert.deepEqual(document.bearer_methods_supported, ['header']);
  assert.ok(!(document.scopes_supported as string[]).includes('offline_access'));
  for (const path of [METADATA, `${METADATA}/v1`, `${METADATA}/mcp/x`, `/mcp${METADATA}`]) {
    assert.equal((await fetch(server.url + path)).status, 404, path);
  }
});

test('T9: the SDK finds the metadata from the address alone, and takes its resource', async () => {
  const metadata = await discoverOAuthProtectedResourceMetadata(`${server.url}/mcp`);
  const chosen = await selectResourceURL(`${server.url}/mcp`, {} as never, metadata);
  assert.equal(chosen?.href, `${server.url}/mcp`);
});

test('T9: a token that expires ends the stream, and its session answers with 401', async () => {
  const token = signed({ exp: Math.floor(Date.now() / 1000) + 3 });
  const stream = await listen(server, token, [ANA_COVERAGE]);
  const session = await openSession(server, token);
  assert.deepEqual(stream.acknowledged, [ANA_COVERAGE]);
  await stream.end();
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await rawRequest(server.url, {
      headers: [
        ...([['Host', new URL(server.url).host]] as [string, string][]),
        ['Authorization', `Bearer ${token}`],
        ['Content-Type', 'application/json'],
        ['Accept', 'application/json, text/event-stream'],
        ['Mcp-Session-Id', session.id],
      ],
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 9, method: 'tools/call' },
        params: { name: 'search', arguments: { query: 'x' } },
      }),
    });
    // A clock that runs a few seconds late is forgiven (security.md §6, 15).
    if (answer.status === 401) return assertChallenged(answer, 'invalid_token');
    assert.equal(answer.status, 200);
    assert.ok(Date.now() < deadline, 'an expired token still serves');
    await sleep(250);
  }
});

test('T9: to begin without a token fills no log; why a token was refused stands there, once', async () => {
  const before = server.output().length;
  const said = (): string => server.output().slice(before);
  for (const path of ['/v1/search?q=x', '/v1/changes?cursor=start']) {
    assert.equal((await fetch(server.url + path)).status, 401);
  }
  await server.fetch(signed({ aud: 'https://other.example/mcp' }), '/v1/search?q=x');
  while (!said().endsWith('\n')) await sleep(10);
  assert.match(said(), /^[^\n]*token refused by the rule: aud[^\n]*\n$/);
});
