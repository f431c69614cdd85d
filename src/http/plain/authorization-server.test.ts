import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { afterEach, test } from 'node:test';
import type { AuthorizationServer, PlainParts } from '../parts.ts';
import { createPlainRoutes } from './index.ts';

/** Nothing of the authorization server may answer where it was not opened (production). */

let listening: Server | undefined;
afterEach(() => listening?.close());

/** Whatever the other routes take of the parts while they are put up. */
const anything: unknown = new Proxy(() => anything, { get: () => anything });

async function listen(development: PlainParts['development']): Promise<string> {
  const known: Record<PropertyKey, unknown> = {
    ...{ development, topicPrefix: '', authenticator: { challenge: () => 'Bearer' } },
  };
  const parts = new Proxy({} as PlainParts, {
    get: (_target, name) => (name in known ? known[name] : anything),
  });
  listening = createServer(createPlainRoutes(parts)).listen(0, '127.0.0.1');
  await new Promise((resolve) => listening?.once('listening', resolve));
  return `http://127.0.0.1:${(listening.address() as { port: number }).port}`;
}

const PATHS = [
  ...[
    ['GET', '/.well-known/oauth-authorization-server'],
    ['GET', '/oauth/jwks'],
  ],
  ...[
    ['GET', '/oauth/authorize?client_id=x'],
    ['GET', '/oauth/authorize/uid'],
    ['POST', '/oauth/token'],
  ],
  ...[
    ['POST', '/oauth/register'],
    ['POST', '/oauth/revoke'],
    ['GET', '/oauth/interaction/uid'],
  ],
  ...[
    ['POST', '/oauth/interaction/uid/login'],
    ['POST', '/oauth/dev/login-code'],
  ],
  ...[
    ['POST', '/oauth/dev/token'],
    ['GET', '/oauth/dev/hold'],
  ],
] as const;

const BODY = { 'content-type': 'application/x-www-form-urlencoded' };

async function statuses(url: string): Promise<number[]> {
  const found: number[] = [];
  for (const [method = 'GET', path = ''] of PATHS) {
    const body = method === 'POST' ? { body: 'x=1', headers: BODY } : {};
    const answer = await fetch(url + path, { method, ...body });
    await answer.body?.cancel();
    found.push(answer.status);
  }
  return found;
}

test('B-AS-11: in production none of its paths is there', async () => {
  assert.deepEqual(
    await statuses(await listen(undefined)),
    PATHS.map(() => 404),
  );
});

test('B-AS-11: beside a company’s issuer only the key’s own paths are, and they want the key', async () => {
  const expected = PATHS.map(([, path = '']) => (path.startsWith('/oauth/dev/') ? 401 : 404));
  assert.deepEqual(await statuses(await listen({ key: 'k' })), expected);
});

test('B-AS-11: the same paths answer where it was opened', async () => {
  const authorizationServer: AuthorizationServer = {
    metadata: () => ({}),
    handle: async ({ res }) => void res.writeHead(200).end(),
    loginCode: () => ({}),
  };
  const found = await statuses(await listen({ key: 'k', authorizationServer }));
  const expected = PATHS.map(([, path = '']) => {
    if (path.startsWith('/oauth/dev/')) return 401;
    // It wants JSON.
    return path === '/oauth/register' ? 415 : 200;
  });
  assert.deepEqual(found, expected);
});
