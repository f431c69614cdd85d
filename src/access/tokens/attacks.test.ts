import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { CompactEncrypt } from 'jose';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { TokenRefused } from './refusal.ts';
import { fixedKeys, trustKeys } from './trusted-keys.ts';
import { createVerifier } from './verifier.ts';

// The numbers are those of the attack list that this verifier was written against; each token is
// made by hand with real keys, since a library would refuse to make most of them.

const ISSUER = 'http://localhost:3333/oauth';
const AUDIENCE = 'http://localhost:3333/mcp';
const NOW = Date.parse('2026-01-01T12:00:00Z');
const now = NOW / 1000;
const clock: Clock = {
  now: () => NOW,
  monotonic: () => 0,
  after: () => ({ cancel: () => undefined }),
};

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const jwk = (key: KeyObject, kid: string, alg: string) => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg,
});
const trusted = await trustKeys({
  keys: [
    jwk(ec.publicKey, 'ec', 'ES256'),
    jwk(rsa.publicKey, 'rsa', 'RS256'),
    jwk(ed.publicKey, 'ed', 'EdDSA'),
  ],
});
const keys = fixedKeys(trusted);
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, keys, clock });

const GOOD_HEADER = { alg: 'ES256', typ: 'at+jwt', kid: 'ec' };
const GOOD = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'ana',
  client_id: 'cli',
  jti: 'j1',
  iat: now - 10,
  exp: now + 600,
  scope: 'twin:read twin:search',
  tenant: 'demo',
};

type Sign = (input: string) => Buffer;
const es256: Sign = (input) =>
  sign('sha256', Buffer.from(input), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
const b64 = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

/** A signed token; header and payload as objects or as the literal text. */
function token(header: unknown, payload: unknown, signWith: Sign = es256): string {
  const text = (part: unknown): string => (typeof part === 'string' ? part : JSON.stringify(part));
  const input = `${b64(text(header))}.${b64(text(payload))}`;
  return `${input}.${b64(signWith(input))}`;
}
const withHeader = (more: object): string => token({ ...GOOD_HEADER, ...more }, GOOD);
const withClaims = (more: object): string => token(GOOD_HEADER, { ...GOOD, ...more });
const literal = (from: string, to: string): string => {
  const text = JSON.stringify(GOOD);
  assert.ok(text.includes(from));
  return token(GOOD_HEADER, text.replace(from, to));
};
const send = (...values: string[]) =>
  verifier.authenticate(['Host', 'x', ...values.flatMap((value) => ['authorization', value])]);

const good = withClaims({});
const forged: Sign = (input) =>
  sign('sha256', Buffer.from(input), { key: attacker.privateKey, dsaEncoding: 'ieee-p1363' });
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
const encrypted = await new CompactEncrypt(Buffer.from(JSON.stringify(GOOD)))
  .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'at+jwt', kid: 'rsa' })
  .encrypt(rsa.publicKey);

const REFUSED: [string, string][] = [
  ['3 alg none', token({ ...GOOD_HEADER, alg: 'none' }, GOOD, () => Buffer.alloc(0))],
  ['3 alg NoNe', token({ ...GOOD_HEADER, alg: 'NoNe' }, GOOD)],
  ['3 empty signature', `${good.split('.').slice(0, 2).join('.')}.`],
  ['3 foreign signature', token(GOOD_HEADER, GOOD, forged)],
  [
    '4 HS256 with the public key as secret',
    token({ ...GOOD_HEADER, alg: 'HS256', kid: 'rsa' }, GOOD, (input) =>
      createHmac('sha256', publicPem).update(input).digest(),
    ),
  ],
  [
    '5 embedded jwk',
    token({ ...GOOD_HEADER, jwk: attacker.publicKey.export({ format: 'jwk' }) }, GOOD, forged),
  ],
  ['5 embedded jwk, good signature', withHeader({ jwk: {} })],
  ['6 jku', withHeader({ jku: 'http://127.0.0.1:9/keys' })],
  ['6 x5u', withHeader({ x5u: 'http://127.0.0.1:9/cert' })],
  ['6 x5c', withHeader({ x5c: ['MIIB'] })],
  ['7 kid path', withHeader({ kid: '../../dev/null' })],
  ['7 kid sql', withHeader({ kid: "k1' OR '1'='1" })],
  ['7 kid object', withHeader({ kid: { ec: 1 } })],
  ['7 kid of Object.prototype', withHeader({ kid: '__proto__' })],
  ['7 kid unknown', withHeader({ kid: 'other' })],
  ['8 no kid', token({ alg: 'ES256', typ: 'at+jwt' }, GOOD)],
  ['9 typ JWT', withHeader({ typ: 'JWT' })],
  ['9 no typ', token({ alg: 'ES256', kid: 'ec' }, GOOD)],
  ['10 crit', withHeader({ crit: ['x'], x: 1 })],
  ['10 b64 false', withHeader({ b64: false, crit: ['b64'] })],
  ['11 no exp', withClaims({ exp: undefined })],
  ['11 no iat', withClaims({ iat: undefined })],
  ['11 no sub', withClaims({ sub: undefined })],
  ['11 no client_id', withClaims({ client_id: undefined })],
  ['11 no jti', withClaims({ jti: undefined })],
  ['11 no tenant', withClaims({ tenant: undefined })],
  ['12 exp string', withClaims({ exp: String(now + 600) })],
  ['13 exp 1e400', literal(`"exp":${now + 600}`, '"exp":1e400')],
  ['13 exp fraction', withClaims({ exp: now + 600.5 })],
  ['14 exp in 10 years', withClaims({ exp: now + 315_360_000 })],
  ['14 life over an hour', withClaims({ iat: now - 10, exp: now - 10 + 3601 })],
  ['14 exp before iat', withClaims({ iat: now + 4, exp: now + 3 })],
  ['15 exp 6 s ago', withClaims({ exp: now - 6, iat: now - 60 })],
  ['16 nbf in the future', withClaims({ nbf: now + 60 })],
  ['17 iat in the future', withClaims({ iat: now + 60 })],
  ['18 iss with a slash', withClaims({ iss: `${ISSUER}/` })],
  ['18 iss other', withClaims({ iss: 'https://evil.example' })],
  ['18 iss list', withClaims({ iss: [ISSUER] })],
  ['19 aud other path', withClaims({ aud: 'http://localhost:3333/other' })],
  ['19 aud with a slash', withClaims({ aud: `${AUDIENCE}/` })],
  ['19 aud upper case', withClaims({ aud: 'http://LOCALHOST:3333/mcp' })],
  ['19 aud suffix', withClaims({ aud: `${AUDIENCE}.evil.com` })],
  ['19 aud missing', withClaims({ aud: undefined })],
  ['20 aud list with ours', withClaims({ aud: [AUDIENCE, 'https://other.example'] })],
  ['20 aud list of ours alone', withClaims({ aud: [AUDIENCE] })],
  ['21 aud list without ours', withClaims({ aud: ['https://other.example'] })],
  ['22 sub object', withClaims({ sub: { a: 1 } })],
  ['22 sub empty', withClaims({ sub: '' })],
  ['22 sub with a line feed', withClaims({ sub: 'ana\nben' })],
  ['22 sub too long', withClaims({ sub: 'a'.repeat(129) })],
  ['22 sub number', withClaims({ sub: 7 })],
  ['22 sub agent without a name', withClaims({ sub: 'agent:' })],
  ['23 duplicate aud', literal('"aud"', '"aud":"https://other.example","aud"')],
  ['23 duplicate sub, escaped', literal('"sub"', '"s\\u0075b":"ben","sub"')],
  [
    '23 duplicate alg in the header',
    token('{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"ec"}', GOOD),
  ],
  ['24 1 MB', withClaims({ pad: 'x'.repeat(1024 * 1024) })],
  [
    '25 PS256 with the RS256 key',
    token({ ...GOOD_HEADER, alg: 'PS256', kid: 'rsa' }, GOOD, (input) =>
      sign('sha256', Buffer.from(input), { key: rsa.privateKey, padding: 6, saltLength: 32 }),
    ),
  ],
  ['25 ES256 with the RS256 kid', withHeader({ kid: 'rsa' })],
  ['26 JWE', encrypted],
  ['26 four parts', `${good}.x`],
  ['26 two parts', good.split('.').slice(0, 2).join('.')],
  ['26 padded base64', `${good}==`],
  ['26 payload list', token(GOOD_HEADER, [])],
  ['26 payload text', token(GOOD_HEADER, '"ana"')],
  ['26 payload not JSON', token(GOOD_HEADER, 'ana')],
  ['28 for another API', withClaims({ aud: 'https://upstream.example/api' })],
  ['30 cnf without proof', withClaims({ cnf: { jkt: 'abc' } })],
  ['31 expired and without scope', withClaims({ exp: now - 60, iat: now - 600, scope: '' })],
  ['35 act without sub', withClaims({ act: {} })],
  ['35 act list', withClaims({ act: ['assistant'] })],
  ['35 act of a person', withClaims({ act: { sub: 'user:ben' } })],
  ['35 act on an agent', withClaims({ sub: 'agent:a', act: { sub: 'agent:b' } })],
  ['scope list', withClaims({ scope: ['twin:read'] })],
  ['scope with two spaces', withClaims({ scope: 'twin:read  admin' })],
  ['tenant out of its rule', withClaims({ tenant: 'demo/../x' })],
  ['purpose unknown', withClaims({ purpose_of_use: 'CURIOSITY' })],
];

for (const [name, bad] of REFUSED) {
  test(`B-AC-5: refused: ${name}`, async () => {
    await assert.rejects(send(`Bearer ${bad}`), (error: unknown) => {
      assert.ok(error instanceof Fault);
      assert.equal(error.code, 'UNAUTHENTICATED');
      assert.equal(error.message, 'A valid access token for this server is needed.');
      assert.ok(error.cause instanceof TokenRefused && error.cause.rule.length > 0);
      assert.ok(!error.cause.message.includes(bad));
      return true;
    });
  });
}

const HEADERS: [string, string[], Fault['code']][] = [
  ['1 none', [], 'UNAUTHENTICATED'],
  ['2 Basic', ['Basic YTpi'], 'UNAUTHENTICATED'],
  ['2 Bearer alone', ['Bearer'], 'UNAUTHENTICATED'],
  ['2 Bearer and a space', ['Bearer '], 'UNAUTHENTICATED'],
  ['2 token alone', [good], 'UNAUTHENTICATED'],
  ['2 lower case scheme', [`bearer ${good}`], 'UNAUTHENTICATED'],
  ['27 something after it', [`Bearer ${good} extra`], 'INVALID_REQUEST'],
  ['27 a comma list', [`Bearer ${good}, Bearer ${good}`], 'INVALID_REQUEST'],
  ['27 a trailing space', [`Bearer ${good} `], 'INVALID_REQUEST'],
  ['27 two spaces', [`Bearer  ${good}`], 'INVALID_REQUEST'],
  ['27 two headers', [`Bearer ${good}`, `Bearer ${good}`], 'INVALID_REQUEST'],
  ['27 a good and a bad header', [`Bearer ${good}`, 'Basic x'], 'INVALID_REQUEST'],
];

for (const [name, values, code] of HEADERS) {
  test(`header refused: ${name}`, async () => {
    await assert.rejects(send(...values), (error: unknown) => {
      assert.ok(error instanceof Fault);
      assert.equal(error.code, code);
      return true;
    });
  });
}

const rs256: Sign = (input) => createSign('sha256').update(input).sign(rsa.privateKey);
const ed25519: Sign = (input) => sign(null, Buffer.from(input), ed.privateKey);
const ACCEPTED: [string, string, object][] = [
  ['15 exp 1 s ago', withClaims({ exp: now - 1 }), { expiresAtMs: NOW - 1000 }],
  ['RS256', token({ ...GOOD_HEADER, alg: 'RS256', kid: 'rsa' }, GOOD, rs256), {}],
  ['EdDSA', token({ ...GOOD_HEADER, alg: 'EdDSA', kid: 'ed' }, GOOD, ed25519), {}],
  ['no scope', withClaims({ scope: undefined }), { scopes: new Set() }],
  ['an hour', withClaims({ iat: now, exp: now + 3600 }), {}],
  ['purpose', withClaims({ purpose_of_use: 'TREAT' }), { purpose: 'TREAT' }],
  [
    'actor',
    withClaims({ act: { sub: 'agent:assistant' } }),
    { actor: 'assistant', actors: ['assistant'] },
  ],
  [
    'actor, short',
    withClaims({ act: { sub: 'assistant' } }),
    { actor: 'assistant', actors: ['assistant'] },
  ],
  [
    '35 nested actors: the outermost counts',
    withClaims({ act: { sub: 'assistant', act: { sub: 'other' } } }),
    { actor: 'assistant', actors: ['assistant', 'other'] },
  ],
  [
    'an agent by itself',
    withClaims({ sub: 'agent:assistant' }),
    { kind: 'agent', subject: 'assistant' },
  ],
  ['same key in two objects', withClaims({ x: { sub: 1 }, y: { sub: 2 } }), {}],
];

for (const [name, fine, more] of ACCEPTED) {
  test(`accepted: ${name}`, async () => {
    assert.deepEqual(await send(`Bearer ${fine}`), {
      kind: 'user',
      subject: 'ana',
      tenant: 'demo',
      clientId: 'cli',
      scopes: new Set(['twin:read', 'twin:search']),
      issuer: ISSUER,
      tokenId: 'j1',
      expiresAtMs: expiryIn(fine),
      ...more,
    });
  });
}

function expiryIn(fine: string): number {
  const payload = Buffer.from(fine.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { exp: number }).exp * 1000;
}

test('symmetric, unnamed and repeated keys are never trusted', async () => {
  const oct = { kty: 'oct', k: b64('x'.repeat(32)), kid: 'a', alg: 'HS256' };
  const { kid: _, ...unnamed } = jwk(ec.publicKey, 'ec', 'ES256');
  await assert.rejects(trustKeys({ keys: [oct] }));
  await assert.rejects(trustKeys({ keys: [{ ...oct, alg: 'ES256' }] }));
  await assert.rejects(trustKeys({ keys: [unnamed] }));
  const named = jwk(ec.publicKey, 'ec', 'ES256');
  await assert.rejects(trustKeys({ keys: [named, named] }));
});
