import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeCertificates } from '../tools/parts/certificates.ts';
import { startTestIssuer, type TestIssuer } from './support/issuer.ts';
import { type Production, production } from './support/production.ts';

/** A real process in production: nothing of the embedded authorization server is there. */

let issuer: TestIssuer;
let twin: Production;

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'twin-certificates-'));
  const { ca, server: pair } = await makeCertificates(directory, () => undefined);
  issuer = await startTestIssuer({ tls: { ca, cert: pair.cert, key: pair.key } });
  twin = await production({ ...issuer.env, EMBEDDED: 'log,spicedb' });
  await twin.start();
});
after(async () => {
  await twin?.stop();
  await issuer?.stop();
});

test('B-AS-11: in production none of its paths answers, and its file is not made', async () => {
  for (const [method, path] of [
    ...[
      ['GET', '/.well-known/oauth-authorization-server'],
      ['GET', '/oauth/jwks'],
    ],
    ...[
      ['GET', '/.well-known/openid-configuration'],
      ['GET', '/oauth/authorize?client_id=x'],
    ],
    ...[
      ['POST', '/oauth/token'],
      ['POST', '/oauth/register'],
      ['POST', '/oauth/revoke'],
    ],
    ...[
      ['GET', '/oauth/interaction/x'],
      ['POST', '/oauth/interaction/x/login'],
    ],
    ...[
      ['POST', '/oauth/dev/login-code'],
      ['POST', '/oauth/dev/token'],
    ],
  ] as const) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const sent = method === 'POST' ? { body: 'client_id=assistant', headers } : {};
    const answer = await fetch(twin.url + path, { method, redirect: 'manual', ...sent });
    assert.equal(answer.status, 404, `${method} ${path}`);
    await answer.body?.cancel();
  }
  assert.ok(!existsSync(join(twin.dataDir, 'issuer.db')));
  assert.doesNotMatch(twin.output(), /login-code|client assistant/);
});

test('B-AS-11: production does not start with a setting of it', async () => {
  const refused = await production({ ...issuer.env, OAUTH_LOOPBACK_CLIENTS: 'on' });
  const { exit, err } = await refused.run('serve');
  assert.equal(exit, 2, err);
  assert.match(err, /OAUTH_LOOPBACK_CLIENTS must be off with NODE_ENV=production/);
});
