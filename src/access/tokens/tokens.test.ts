import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { JWK } from 'jose';
import { DEFAULT_SCOPES } from '../../contract/scopes.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { audienceOf, createChallenges } from './challenge.ts';
import { createDenylist } from './denylist.ts';
import { createDevIssuer } from './dev-issuer.ts';
import { fixedKeys, trustKeys } from './trusted-keys.ts';
import { createVerifier } from './verifier.ts';

const PUBLIC_URL = 'http://localhost:3333';
const ISSUER = `${PUBLIC_URL}/oauth`;
const key = {
  ...(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    format: 'jwk',
  }) as JWK),
  kid: 'dev-1',
  alg: 'ES256',
};

class TestClock implements Clock {
  ms = Date.parse('2026-01-01T00:00:00Z');
  now = (): number => this.ms;
  monotonic = (): number => this.ms;
  after = () => ({ cancel: () => undefined });
}

async function parts() {
  const clock = new TestClock();
  const audience = audienceOf(PUBLIC_URL);
  const issuer = createDevIssuer({ issuer: ISSUER, audience, key, clock });
  const keys = fixedKeys(await trustKeys(issuer.jwks()));
  const verifier = createVerifier({ issuer: ISSUER, audience, keys, clock });
  const headers = (token: string): string[] => ['Authorization', `Bearer ${token}`];
  return { clock, issuer, verifier, headers };
}

test('a minted token is a principal to the verifier', async () => {
  const { issuer, verifier, headers } = await parts();
  const minted = await issuer.mint({ as: 'user:ana', actor: 'agent:assistant', ttlSeconds: 60 });
  assert.equal(minted.expires_in, 60);
  assert.equal(minted.scope, DEFAULT_SCOPES.join(' '));
  const principal = await verifier.authenticate(headers(minted.access_token));
  assert.equal(principal.kind, 'user');
  assert.equal(principal.subject, 'ana');
  assert.equal(principal.actor, 'assistant');
  assert.equal(principal.tenant, 'demo');
  assert.equal(principal.clientId, 'digital-twin-cli');
  assert.deepEqual(principal.scopes, new Set(DEFAULT_SCOPES));
});

test('the issuer publishes nothing private', async () => {
  const { issuer } = await parts();
  const [published] = issuer.jwks().keys;
  assert.equal(published?.kid, 'dev-1');
  assert.deepEqual(Object.keys(published ?? {}).toSorted(), [
    'alg',
    'crv',
    'kid',
    'kty',
    'use',
    'x',
    'y',
  ]);
});

test('the issuer refuses what it does not know', async () => {
  const { issuer } = await parts();
  const wrong: Record<string, unknown>[] = [
    {},
    { as: '' },
    { as: 'ana ben' },
    { as: 'ana', scope: 'twin:write' },
    { as: 'ana', ttlSeconds: 0 },
    { as: 'ana', ttlSeconds: 3601 },
    { as: 'ana', ttlSeconds: 1.5 },
    { as: 'ana', ttlSeconds: '60' },
    { as: 'ana', tenant: '../x' },
    { as: 'ana', purpose: 'CURIOSITY' },
    { as: 'ana', admin: true },
  ];
  for (const request of wrong) {
    await assert.rejects(
      issuer.mint(request),
      (error: unknown) => error instanceof Fault && error.code === 'INVALID_ARGUMENT',
      JSON.stringify(request),
    );
  }
});

test('a revoked token is refused at once, also when it was verified before', async () => {
  const { issuer, verifier, headers } = await parts();
  const revoked: string[] = [];
  verifier.onRevoked((tokenId) => revoked.push(tokenId));
  const { access_token } = await issuer.mint({ as: 'ana' });
  const { tokenId, expiresAtMs } = await verifier.authenticate(headers(access_token));
  verifier.revoke(tokenId, expiresAtMs);
  await assert.rejects(verifier.authenticate(headers(access_token)));
  await assert.rejects(verifier.authenticate(headers(access_token)), 'nor the second time');
  assert.deepEqual(revoked, [tokenId]);
  const other = await issuer.mint({ as: 'ana' });
  assert.ok(await verifier.authenticate(headers(other.access_token)));
});

test('a verified token ends when it expires', async () => {
  const { clock, issuer, verifier, headers } = await parts();
  const { access_token } = await issuer.mint({ as: 'ana', ttlSeconds: 10 });
  const first = await verifier.authenticate(headers(access_token));
  assert.equal(await verifier.authenticate(headers(access_token)), first, 'verified once');
  clock.ms += 16_000;
  await assert.rejects(verifier.authenticate(headers(access_token)));
});

test('a full denylist refuses instead of forgetting, and sweeps what has ended', () => {
  const clock = new TestClock();
  const denied = createDenylist(clock, 2);
  denied.revoke('a', clock.ms + 1_000);
  denied.revoke('b', clock.ms + 60_000);
  assert.throws(() => denied.revoke('c', clock.ms + 60_000), Fault);
  assert.ok(denied.has('a') && denied.has('b') && !denied.has('c'));
  clock.ms += 10_000;
  denied.revoke('c', clock.ms + 60_000);
  assert.ok(!denied.has('a') && denied.has('b') && denied.has('c'));
});

const challenges = createChallenges({ publicUrl: PUBLIC_URL, authorizationServers: [ISSUER] });
const where = `resource_metadata="${PUBLIC_URL}/.well-known/oauth-protected-resource/mcp"`;

test('a challenge names an error only when a token was sent', () => {
  const fault = new Fault('UNAUTHENTICATED');
  const scope = `scope="${DEFAULT_SCOPES.join(' ')}"`;
  assert.equal(challenges.challenge(fault, false), `Bearer ${scope}, ${where}`);
  const sent = `Bearer error="invalid_token", ${scope}, ${where}`;
  assert.equal(challenges.challenge(fault, true), sent);
});

test('a challenge for scopes lists all of them, and nothing can break out of its quotes', () => {
  const scopes = ['twin:read', 'x"\r\n, evil="1'];
  const fault = new Fault('INSUFFICIENT_SCOPE', { data: { scopes } });
  assert.equal(
    challenges.challenge(fault, true),
    `Bearer error="insufficient_scope", scope="twin:read x, evil=1", ${where}`,
  );
});

test('B-OA-2: a challenge names the scopes of the operation, and the usual ones where it has none', () => {
  const fault = new Fault('UNAUTHENTICATED');
  const scopes = ['twin:read:clinical'];
  assert.equal(
    challenges.challenge(fault, false, scopes),
    `Bearer scope="twin:read:clinical", ${where}`,
  );
  assert.match(challenges.challenge(fault, false, []), /scope="twin:read twin:search /);
});

test('B-OA-10: a step-up challenge says which login, and how long ago (RFC 9470)', () => {
  const data = { acrValues: ['phr', 'mfa"\r\n'], maxAgeSeconds: 0 };
  const fault = new Fault('INSUFFICIENT_AUTHENTICATION', { data });
  assert.equal(
    challenges.challenge(fault, true, ['twin:read']),
    'Bearer error="insufficient_user_authentication", ' +
      'error_description="This needs a newer or a stronger login.", ' +
      `acr_values="phr mfa", max_age="0", ${where}`,
  );
  const recent = new Fault('INSUFFICIENT_AUTHENTICATION', { data: { maxAgeSeconds: 300 } });
  assert.doesNotMatch(challenges.challenge(recent, true), /acr_values/);
});

test('scopes are named as the issuer wants them', () => {
  const entra = createChallenges({
    publicUrl: PUBLIC_URL,
    authorizationServers: [ISSUER],
    scopePrefix: 'api://twin/',
  });
  const scopes = ['twin:read', 'twin:search'];
  const said = entra.challenge(new Fault('INSUFFICIENT_SCOPE', { data: { scopes } }), true);
  assert.match(said, /scope="api:\/\/twin\/twin:read api:\/\/twin\/twin:search"/);
  assert.ok((entra.metadata().scopes_supported as string[]).includes('api://twin/twin:read'));
});

test('B-OA-1: the metadata names this resource, and never offline_access', () => {
  const metadata = challenges.metadata();
  assert.equal(metadata.resource, `${PUBLIC_URL}/mcp`);
  assert.deepEqual(metadata.authorization_servers, [ISSUER]);
  assert.deepEqual(metadata.bearer_methods_supported, ['header']);
  assert.doesNotMatch(JSON.stringify(metadata), /offline_access/);
});
