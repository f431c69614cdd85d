import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OAUTH_PROFILES, type OAuthProfile } from '../../contract/tokens.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Principal } from '../../twin/ports.ts';
import { issuerKey } from './foreign/issuer.rig.ts';
import { PROFILES } from './profiles.ts';
import { TokenRefused } from './refusal.ts';
import { fixedKeys, type KeySource, type TrustedKey, trustKeys } from './trusted-keys.ts';
import { vendorTokens } from './vendor-tokens.rig.ts';
import { createVerifier } from './verifier.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const now = NOW / 1000;
const clock: Clock = {
  now: () => NOW,
  monotonic: () => 0,
  after: () => ({ cancel: () => undefined }),
};
const key = issuerKey('k1');
const keys = fixedKeys(await trustKeys({ keys: [key.jwk] }));
const TOKENS = vendorTokens(now);

interface Change {
  readonly header?: object;
  readonly claims?: object;
}

/** A token of a vendor, and what `OAUTH_PROFILE=as` makes of it. */
async function tried(vendor: OAuthProfile, change: Change = {}, as = vendor): Promise<Principal> {
  const { issuer, audience, header, claims, names } = TOKENS[vendor];
  const verifier = createVerifier({
    ...{ issuer, audience, keys, clock, profile: PROFILES[as] },
    ...(names && { names }),
  });
  return await verifier.verify(
    key.sign({ ...header, ...change.header }, { ...claims, ...change.claims }),
  );
}

async function ruleAgainst(vendor: OAuthProfile, change: Change, as = vendor): Promise<string> {
  try {
    await tried(vendor, change, as);
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'UNAUTHENTICATED', String(error));
    assert.ok(error.cause instanceof TokenRefused);
    return error.cause.message;
  }
  throw new assert.AssertionError({ message: `${vendor} took ${JSON.stringify(change)}` });
}

const PERSONS: Readonly<Record<OAuthProfile, Partial<Principal>>> = {
  rfc9068: {
    ...{ subject: '5ba552d67', tenant: 'acme', clientId: 's6BhdRkqt3', purpose: 'TREAT' },
    ...{ actor: 'assistant', actors: ['assistant'], acr: '2', amr: ['pwd'] },
    ...{ authTimeMs: NOW - 600_000, tokenId: 'dbe39bf3a3ba4238a513f51d6e1691c4' },
  },
  auth0: { subject: 'auth0|123456', tenant: 'acme', clientId: 'my_client_id' },
  entra: {
    subject: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    ...{ tenant: '8f1c2f34-5d3e-4c21-9a51-0d2f6b7c8e90', tokenId: 'fqiBqXLPj0eQa82S-IYFAA' },
    clientId: '2d4d11a2-f814-46a7-890a-274a72a7309e',
  },
  okta: {
    ...{ subject: 'ana@acme.example', tenant: 'acme', clientId: 'nmdP1fcyvdVO11AL7ECm' },
    authTimeMs: NOW - 30_000,
  },
  keycloak: {
    ...{ subject: 'f3e7a8b1-0c4d-4f1a-9a55-3f1d2c4b5a69', tenant: 'acme', clientId: 'Twin-App' },
    ...{ acr: '1', authTimeMs: NOW - 60_000 },
  },
};

const MACHINES: Readonly<Record<OAuthProfile, string>> = {
  rfc9068: 's6BhdRkqt3',
  auth0: 'my_client_id',
  entra: '2d4d11a2-f814-46a7-890a-274a72a7309e',
  okta: 'nmdP1fcyvdVO11AL7ECm',
  keycloak: 'Twin-App',
};

for (const vendor of OAUTH_PROFILES) {
  const { claims, machine } = TOKENS[vendor];

  test(`B-OA-6: ${vendor}: a person's token as it is documented is taken`, async () => {
    const principal = await tried(vendor);
    assert.equal(principal.kind, 'user');
    assert.ok(principal.scopes.has('twin:read'));
    for (const [name, value] of Object.entries(PERSONS[vendor])) {
      assert.deepEqual(principal[name as keyof Principal], value, name);
    }
  });

  test(`B-OA-6: 33: ${vendor}: a client's own token is an agent without a person`, async () => {
    const principal = await tried(vendor, { claims: machine });
    assert.equal(principal.kind, 'agent');
    assert.equal(principal.subject, MACHINES[vendor]);
    assert.equal(principal.actor, undefined);
  });

  test(`B-OA-6: ${vendor}: each hardening rule holds`, async () => {
    const { names } = { names: { ...PROFILES[vendor].names, ...TOKENS[vendor].names } };
    const called = (claim: 'sub' | 'client_id' | 'tenant' | 'scope') => names[claim] ?? claim;
    const { audience, issuer } = TOKENS[vendor];
    const changes: [string, Change][] = [
      ['iss', { claims: { iss: issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/` } }],
      ['aud', { claims: { aud: 'https://other.example/api' } }],
      ['aud', { claims: { aud: [audience] } }],
      ['aud', { claims: { aud: [audience, 'https://other.example/api'] } }],
      ['aud', { claims: { aud: [audience, audience] } }],
      ['aud', { claims: { aud: undefined } }],
      ['kid', { header: { kid: undefined } }],
      ['kid', { header: { kid: 'k2' } }],
      ['alg', { header: { alg: 'PS256' } }],
      ['header', { header: { jku: 'https://evil.example/jwks' } }],
      ['header', { header: { x5t: 'i6lGk3FZzxRcUb2C3nEQ7syHJlY' } }],
      ['typ', { header: { typ: 'dpop+jwt' } }],
      ['typ', { header: { typ: ['at+jwt'] } }],
      ['exp', { claims: { exp: now + 590.5 } }],
      ['exp', { claims: { exp: undefined } }],
      ['exp', { claims: { exp: now + 86_400 } }],
      ['exp', { claims: { exp: now - 60 } }],
      ['iat', { claims: { iat: now + 60 } }],
      ['iat', { claims: { iat: now - 3_700 } }],
      ['nbf', { claims: { nbf: now + 60 } }],
      ['sub', { claims: { [called('sub')]: { a: 1 } } }],
      ['sub', { claims: { [called('sub')]: 'ana\nben' } }],
      ['sub', { claims: { [called('sub')]: undefined } }],
      ['client_id', { claims: { [called('client_id')]: undefined } }],
      ['tenant', { claims: { [called('tenant')]: 'acme/../x' } }],
      ['tenant', { claims: { [called('tenant')]: undefined } }],
      ['scope', { claims: { [called('scope')]: { twin: 'read' } } }],
      ['scope', { claims: { [called('scope')]: vendor === 'okta' ? ['a b'] : 'a  b' } }],
      ['cnf', { claims: { cnf: { jkt: 'abc' } } }],
      ['act', { claims: { act: { sub: 7 } } }],
      ['acr', { claims: { acr: ['1'] } }],
      ['amr', { claims: { amr: 'pwd' } }],
      ['auth_time', { claims: { auth_time: now + 60 } }],
      ['purpose_of_use', { claims: { purpose_of_use: 'CURIOSITY' } }],
    ];
    for (const [rule, change] of changes) {
      const says = await ruleAgainst(vendor, change);
      assert.match(says, new RegExp(`\\b${rule}\\b`), `${JSON.stringify(change)}: ${says}`);
    }
    assert.ok(claims.iss === issuer);
  });
}

test('B-OA-6: 9: an ID token of the same issuer is no access token', async () => {
  const idTokens: [OAuthProfile, object][] = [
    ['auth0', { nonce: 'n-0S6_WzA2Mj' }],
    ['auth0', { at_hash: 'MTIzNDU2Nzg5' }],
    ['entra', { ver: '1.0' }],
    ['entra', { nonce: 'n-0S6_WzA2Mj' }],
    ['okta', { jti: 'ID.KNbkmxQcHfJHBIFTUyA4nVlqQZ3e1RG8AUx-EYeWcKs' }],
    ['keycloak', { typ: 'ID' }],
    ['keycloak', { typ: 'Refresh' }],
    ['keycloak', { typ: undefined }],
  ];
  for (const [vendor, claims] of idTokens) await ruleAgainst(vendor, { claims });
});

test('B-OA-6: 9: what one profile relaxes, the others do not', async () => {
  assert.match(await ruleAgainst('auth0', {}, 'rfc9068'), /typ at\+jwt; OAUTH_PROFILE/);
  assert.match(await ruleAgainst('okta', {}, 'auth0'), /typ/);
  assert.match(await ruleAgainst('rfc9068', { header: { typ: undefined } }), /typ/);
  assert.match(await ruleAgainst('entra', { header: { typ: 'at+jwt' } }), /typ/);
  const both = { aud: [TOKENS.auth0.audience, `${TOKENS.rfc9068.issuer}/userinfo`] };
  assert.match(await ruleAgainst('rfc9068', { claims: both }), /aud/);
  const three = ['https://other.example/api', ...(TOKENS.auth0.claims.aud as string[])];
  assert.match(await ruleAgainst('auth0', { claims: { aud: three } }), /aud/);
  // Auth0 may leave the id out; elsewhere it is needed.
  assert.match((await tried('auth0')).tokenId, /^sha256-[\w-]{43}$/);
  assert.match(await ruleAgainst('rfc9068', { claims: { jti: undefined } }), /jti/);
  assert.match(await ruleAgainst('keycloak', { claims: { jti: undefined } }), /jti/);
  assert.match(await ruleAgainst('entra', { claims: { uti: undefined } }), /jti/);
  // A list of scopes is Okta's way.
  assert.match(await ruleAgainst('rfc9068', { claims: { scope: ['twin:read'] } }), /scope/);
  assert.match(await ruleAgainst('okta', { claims: { scp: 'twin:read' } }), /scope/);
});

test('B-OA-6: 14: Entra may issue for longer than an hour; for us the token ends after one', async () => {
  const principal = await tried('entra');
  assert.equal(principal.expiresAtMs, (now - 310 + 3_600) * 1_000);
  assert.match(await ruleAgainst('entra', { claims: { exp: now - 310 + 7_201 } }), /2 h after/);
});

test('B-OA-6: Auth0 tokens of its RFC 9068 profile are taken as that', async () => {
  const claims = { client_id: 'my_client_id', azp: undefined, jti: '73WakrfVbNJBaAmhQtEeDv' };
  const change = { header: { typ: 'at+jwt' }, claims: { ...claims, aud: TOKENS.auth0.audience } };
  assert.equal((await tried('auth0', change, 'rfc9068')).clientId, 'my_client_id');
});

test('B-OA-6: OAUTH_CLAIMS names a claim, and what has our name there is not looked at', async () => {
  const { issuer, audience, header, claims } = TOKENS.rfc9068;
  const names = { tenant: 'org', act: 'actor', purpose_of_use: 'purpose' };
  const verifier = createVerifier({ issuer, audience, keys, clock, names });
  const theirs = { org: 'acme', actor: { sub: 'helper' }, purpose: 'HPAYMT', tenant: 'evil' };
  const token = key.sign(header, { ...claims, ...theirs });
  const { tenant, actor, purpose } = await verifier.verify(token);
  assert.deepEqual(
    { tenant, actor, purpose },
    { tenant: 'acme', actor: 'helper', purpose: 'HPAYMT' },
  );
  await assert.rejects(verifier.verify(key.sign(header, { ...claims, ...theirs, org: undefined })));
});

test('B-OA-6: 35: all actors are kept, the outermost first, and the chain is bounded', async () => {
  const chain = (depth: number): object => ({
    sub: `agent:a${depth}`,
    ...(depth > 1 && { act: chain(depth - 1) }),
  });
  const principal = await tried('rfc9068', { claims: { act: chain(8) } });
  assert.equal(principal.actor, 'a8');
  assert.deepEqual(principal.actors, ['a8', 'a7', 'a6', 'a5', 'a4', 'a3', 'a2', 'a1']);
  assert.match(await ruleAgainst('rfc9068', { claims: { act: chain(9) } }), /act nests at most 8/);
  const inner = { sub: 'agent:a', act: { sub: 'user:ben' } };
  assert.match(await ruleAgainst('rfc9068', { claims: { act: inner } }), /act\.sub/);
});

const MENDS: [Change, RegExp][] = [
  [{ claims: { iss: 'https://other.example' } }, /iss .*; OAUTH_ISSUER/],
  [{ claims: { aud: 'https://other.example' } }, /aud .*; OAUTH_AUDIENCE/],
  [{ header: { typ: 'JWT' } }, /typ .*; OAUTH_PROFILE/],
  [{ claims: { tenant: undefined } }, /tenant .*; OAUTH_PROFILE and OAUTH_CLAIMS/],
  [{ claims: { client_id: undefined } }, /client_id .*; OAUTH_PROFILE and OAUTH_CLAIMS/],
  [{ claims: { exp: now + 86_400 } }, /exp .*; the issuer sets the life/],
  [{ header: { kid: 'other' } }, /kid .*; OAUTH_ISSUER/],
  [{ claims: { cnf: { jkt: 'x' } } }, /cnf; have the issuer/],
];

test('B-OA-7: the rule names what to set, and holds nothing of the token', async () => {
  const secret = 'c4n4ry';
  for (const [change, says] of MENDS) {
    const claims = { ...change.claims, sub: secret, jti: secret, note: secret };
    const found = await ruleAgainst('rfc9068', { ...change, claims });
    assert.match(found, says);
    assert.doesNotMatch(found, /c4n4ry|eyJ/);
  }
});

test('B-OA-7: 26: an opaque token is refused in words that say why', async () => {
  const { issuer, audience } = TOKENS.rfc9068;
  const verifier = createVerifier({ issuer, audience, keys, clock });
  for (const opaque of ['mF_9.B5f-4.1JqM', '2YotnFZFEjr1zCsicMWpAA', 'a.b.c.d.e']) {
    await assert.rejects(verifier.verify(opaque), (error: Fault) => {
      assert.equal(error.code, 'UNAUTHENTICATED');
      return /opaque|header/.test((error.cause as Error).message);
    });
  }
});

test('B-OA-5: what was verified with a key counts no longer once the issuer has another', async () => {
  const { issuer, audience, header, claims } = TOKENS.rfc9068;
  const published = new Map(await trustKeys({ keys: [key.jwk] }));
  const source = { find: (kid: string) => Promise.resolve(published.get(kid)) };
  const verifier = createVerifier({ issuer, audience, keys: source, clock });
  const token = key.sign(header, claims);
  assert.equal(await verifier.verify(token), await verifier.verify(token));
  published.delete('k1');
  await assert.rejects(verifier.verify(token), Fault);
  const other = await trustKeys({ keys: [issuerKey('k1').jwk] });
  published.set('k1', other.get('k1') as never);
  await assert.rejects(verifier.verify(token), Fault);
});

test('B-OA-5: 29: tokens of a key that was taken back are told of as revoked, and no others', async () => {
  const { issuer, audience, header, claims } = TOKENS.rfc9068;
  const other = issuerKey('k2');
  const published = await trustKeys({ keys: [key.jwk, other.jwk] });
  let retire: (key: TrustedKey) => void = () => undefined;
  const source: KeySource = {
    find: (kid) => Promise.resolve(published.get(kid)),
    onRetired(listener) {
      retire = listener;
    },
  };
  const verifier = createVerifier({ issuer, audience, keys: source, clock });
  const revoked: string[] = [];
  const unfollow = verifier.onRevoked((tokenId) => revoked.push(tokenId));
  await verifier.verify(key.sign(header, { ...claims, jti: 'of-k1' }));
  await verifier.verify(other.sign(header, { ...claims, jti: 'of-k2' }));
  retire(published.get('k1') as TrustedKey);
  assert.deepEqual(revoked, ['of-k1']);
  unfollow();
  retire(published.get('k2') as TrustedKey);
  assert.deepEqual(revoked, ['of-k1']);
});
