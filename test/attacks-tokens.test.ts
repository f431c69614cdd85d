import assert from 'node:assert/strict';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CompactEncrypt, importJWK, type JWK } from 'jose';
import { ERRORS } from '../src/contract/errors.ts';
import { modernMessage, type RawAnswer, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * security.md §6, 1–31, against the running server, each on /mcp and on a plain route: tokens made
 * by hand with the issuer's own key, wrong in one thing only. (29, a revoked token, has no way in
 * from outside yet; src/access/tokens tests it.)
 */
type Json = Record<string, unknown>;
type Signing = (input: string) => Buffer;

interface Issuer {
  readonly key: KeyObject;
  readonly jwk: JWK & { kid: string };
}

let server: TestServer;
let issuer: Issuer;
let claims: Json;
let header: Json;
let hits = 0;
let tried = 0;
const listener = createServer((_req, res) => {
  hits += 1;
  res.end('{"keys":[]}');
});
const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const now = Math.floor(Date.now() / 1000);

before(async () => {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  server = await startServer();
  const file = JSON.parse(await readFile(join(server.dataDir, 'keys.json'), 'utf8')) as {
    issuer: JWK & { kid: string };
  };
  issuer = {
    jwk: file.issuer,
    key: createPrivateKey({ key: file.issuer as never, format: 'jwk' }),
  };
  header = { alg: 'ES256', typ: 'at+jwt', kid: issuer.jwk.kid };
  claims = {
    ...{ iss: server.url, aud: `${server.url}/mcp`, sub: 'ana', client_id: 'attacker', jti: 'j1' },
    ...{ iat: now, exp: now + 600, tenant: 'demo', scope: 'twin:read twin:search' },
  };
});
after(async () => {
  console.log(`# token attacks tried: ${tried}`);
  listener.close();
  await server.stop();
});

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const es256 =
  (key: KeyObject): Signing =>
  (input) =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
const own: Signing = (input) => es256(issuer.key)(input);

function token(head: unknown, payload: unknown, signing: Signing = own): string {
  const input = `${part(head)}.${part(payload)}`;
  return `${input}.${signing(input).toString('base64url')}`;
}
const good = (): string => token(header, claims);
const withClaims = (more: Json): string => token(header, { ...claims, ...more });
const without = (name: string): string => withClaims({ [name]: undefined });
const withHeader = (more: Json): string => token({ ...header, ...more }, claims);
const literal = (from: string, to: string): string =>
  token(header, JSON.stringify(claims).replace(from, to));
const publicJwk = (): Json => ({ ...issuer.jwk, d: undefined });
const url = (path: string): string =>
  `http://127.0.0.1:${(listener.address() as AddressInfo).port}${path}`;
async function encrypted(): Promise<string> {
  const key = await importJWK({ ...publicJwk(), alg: 'ECDH-ES' } as JWK);
  return await new CompactEncrypt(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({
      alg: 'ECDH-ES',
      enc: 'A256GCM',
      ...{ typ: 'at+jwt', kid: issuer.jwk.kid },
    })
    .encrypt(key);
}

type Forged = string | Promise<string>;

/** Number of the list, what is wrong, the token. All are 401 with a challenge. */
const REFUSED: readonly (readonly [string, () => Forged])[] = [
  ['3 alg none', () => token({ ...header, alg: 'none' }, claims, () => Buffer.alloc(0))],
  ['3 alg none, signed', () => withHeader({ alg: 'none' })],
  ['3 alg NoNe', () => token({ ...header, alg: 'NoNe' }, claims, () => Buffer.alloc(0))],
  ['3 empty signature', () => `${good().split('.').slice(0, 2).join('.')}.`],
  ['3 signature of another key', () => token(header, claims, es256(attacker.privateKey))],
  [
    '3 signature of another payload',
    () => [...good().split('.').slice(0, 2), withClaims({ sub: 'ben' }).split('.')[2]].join('.'),
  ],
  [
    '3 signature as DER',
    () => token(header, claims, (input) => sign('sha256', Buffer.from(input), issuer.key)),
  ],
  [
    '4 HS256 with the public JWK',
    () =>
      token({ ...header, alg: 'HS256' }, claims, (input) =>
        createHmac('sha256', JSON.stringify(publicJwk())).update(input).digest(),
      ),
  ],
  [
    '4 HS256 with the public PEM',
    () =>
      token({ ...header, alg: 'HS256' }, claims, (input) =>
        createHmac('sha256', publicPem()).update(input).digest(),
      ),
  ],
  [
    '5 embedded jwk',
    () =>
      token(
        { ...header, jwk: attacker.publicKey.export({ format: 'jwk' }) },
        claims,
        es256(attacker.privateKey),
      ),
  ],
  ['5 embedded jwk, good signature', () => withHeader({ jwk: publicJwk() })],
  ['6 jku', () => token({ ...header, jku: url('/jwks') }, claims, es256(attacker.privateKey))],
  ['6 jku, good signature', () => withHeader({ jku: url('/jwks') })],
  ['6 x5u', () => token({ ...header, x5u: url('/cert') }, claims, es256(attacker.privateKey))],
  ['6 x5u, good signature', () => withHeader({ x5u: url('/cert') })],
  ['6 x5c', () => withHeader({ x5c: ['MIIB'] })],
  [
    '6 iss of the attacker',
    () => token(header, { ...claims, iss: url('') }, es256(attacker.privateKey)),
  ],
  ['7 kid path', () => withHeader({ kid: '../../dev/null' })],
  ['7 kid SQL', () => withHeader({ kid: "k1' OR '1'='1" })],
  ['7 kid object', () => withHeader({ kid: { [issuer.jwk.kid]: 1 } })],
  ['7 kid list', () => withHeader({ kid: [issuer.jwk.kid] })],
  ['7 kid __proto__', () => withHeader({ kid: '__proto__' })],
  ['7 kid with a line feed', () => withHeader({ kid: `${issuer.jwk.kid}\n` })],
  ['7 kid unknown', () => withHeader({ kid: 'other' })],
  ['8 no kid', () => token({ alg: 'ES256', typ: 'at+jwt' }, claims)],
  ['9 typ JWT', () => withHeader({ typ: 'JWT' })],
  ['9 no typ', () => token({ alg: 'ES256', kid: issuer.jwk.kid }, claims)],
  ['10 crit', () => withHeader({ crit: ['x'], x: 1 })],
  ['10 crit empty', () => withHeader({ crit: [] })],
  ['10 b64 false', () => withHeader({ b64: false, crit: ['b64'] })],
  ...['exp', 'iat', 'sub', 'client_id', 'jti', 'iss', 'tenant'].map(
    (name) => [`11 no ${name}`, () => without(name)] as const,
  ),
  ['12 exp text', () => withClaims({ exp: String(now + 600) })],
  ['12 iat text', () => withClaims({ iat: String(now) })],
  ['13 exp 1e400', () => literal(`"exp":${now + 600}`, '"exp":1e400')],
  ['13 exp fraction', () => withClaims({ exp: now + 600.5 })],
  ['13 exp negative', () => withClaims({ exp: -1 })],
  ['14 exp in ten years', () => withClaims({ exp: now + 315_360_000 })],
  ['14 a life over an hour', () => withClaims({ iat: now - 10, exp: now + 3_591 })],
  ['14 exp before iat', () => withClaims({ iat: now + 3, exp: now + 2 })],
  [
    '15 expired 6 s ago',
    () => withClaims({ iat: now - 60, exp: Math.floor(Date.now() / 1000) - 7 }),
  ],
  ['16 nbf in the future', () => withClaims({ nbf: now + 300 })],
  ['17 iat in the future', () => withClaims({ iat: now + 300, exp: now + 600 })],
  ['18 iss with a slash', () => withClaims({ iss: `${server.url}/` })],
  ['18 iss other', () => withClaims({ iss: 'https://evil.example' })],
  ['18 iss list', () => withClaims({ iss: [server.url] })],
  ['19 aud other path', () => withClaims({ aud: `${server.url}/other` })],
  ['19 aud origin alone', () => withClaims({ aud: server.url })],
  ['19 aud with a slash', () => withClaims({ aud: `${server.url}/mcp/` })],
  ['19 aud upper case', () => withClaims({ aud: `${server.url}/mcp`.toUpperCase() })],
  ['19 aud suffix', () => withClaims({ aud: `${server.url}/mcp.evil.com` })],
  ['19 no aud', () => without('aud')],
  [
    '20 aud list with ours',
    () => withClaims({ aud: [`${server.url}/mcp`, 'https://other.example'] }),
  ],
  ['20 aud list of ours alone', () => withClaims({ aud: [`${server.url}/mcp`] })],
  ['21 aud list without ours', () => withClaims({ aud: ['https://other.example'] })],
  ['22 sub object', () => withClaims({ sub: { a: 1 } })],
  ['22 sub list', () => withClaims({ sub: ['ana'] })],
  ['22 sub empty', () => withClaims({ sub: '' })],
  ['22 sub with a line feed', () => withClaims({ sub: 'ana\nben' })],
  ['22 sub with NUL', () => withClaims({ sub: 'ana\u0000' })],
  ['22 sub full-width', () => withClaims({ sub: 'ａｎａ' })],
  ['23 duplicate aud', () => literal('"aud"', '"aud":"https://other.example","aud"')],
  ['23 duplicate sub, escaped', () => literal('"sub"', '"s\\u0075b":"ben","sub"')],
  [
    '23 duplicate alg',
    () => token(`{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"${issuer.jwk.kid}"}`, claims),
  ],
  ['24 10 KB', () => withClaims({ pad: 'x'.repeat(7_500) })],
  [
    '25 PS256',
    () =>
      token({ ...header, alg: 'PS256' }, claims, (input) =>
        sign('sha256', Buffer.from(input), { key: rsa.privateKey, padding: 6, saltLength: 32 }),
      ),
  ],
  [
    '25 RS256',
    () =>
      token({ ...header, alg: 'RS256' }, claims, (input) =>
        sign('sha256', Buffer.from(input), rsa.privateKey),
      ),
  ],
  ['25 ES384 named', () => withHeader({ alg: 'ES384' })],
  ['26 JWE', () => encrypted()],
  ['26 four parts', () => `${good()}.x`],
  ['26 two parts', () => good().split('.').slice(0, 2).join('.')],
  ['26 padded', () => `${good()}==`],
  [
    '26 standard base64',
    () =>
      token(header, { ...claims, pad: '>>>???' })
        .replaceAll('-', '+')
        .replaceAll('_', '/')
        .concat('+'),
  ],
  ['26 payload list', () => token(header, [])],
  ['26 payload text', () => token(header, '"ana"')],
  ['26 payload not JSON', () => token(header, 'ana')],
  ['26 payload not UTF-8', () => token(header, Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1'))],
  ['28 for another API', () => withClaims({ aud: 'https://upstream.example/api' })],
  ['30 cnf without its proof', () => withClaims({ cnf: { jkt: 'abc' } })],
  ['31 expired and without scope', () => withClaims({ iat: now - 600, exp: now - 60, scope: '' })],
];

function publicPem(): string {
  return createPublicKey(issuer.key).export({ type: 'spki', format: 'pem' }).toString();
}

/** Values of `Authorization` as sent. All are 400: no token can be told for sure. */
const MALFORMED: readonly (readonly [string, () => readonly string[]])[] = [
  ['27 something after it', () => [`Bearer ${good()} extra`]],
  ['27 two spaces', () => [`Bearer  ${good()}`]],
  ['27 a comma list', () => [`Bearer ${good()}, Bearer ${good()}`]],
  ['27 two headers', () => [`Bearer ${good()}`, `Bearer ${good()}`]],
  ['27 a good and a bad header', () => [`Bearer ${good()}`, 'Basic YTpi']],
  ['27 a bad and a good header', () => ['Basic YTpi', `Bearer ${good()}`]],
];

const UNNAMED: readonly (readonly [string, () => readonly string[]])[] = [
  ['1 none', () => []],
  ['2 Basic', () => ['Basic YTpi']],
  ['2 Bearer alone', () => ['Bearer']],
  ['2 the token alone', () => [good()]],
  ['2 Token', () => [`Token ${good()}`]],
];

const ACCEPTED: readonly (readonly [string, () => readonly string[]])[] = [
  ['a good token', () => [`Bearer ${good()}`]],
  [
    '15 expired 1 s ago',
    () => [`Bearer ${withClaims({ iat: now - 60, exp: Math.floor(Date.now() / 1000) - 1 })}`],
  ],
  // RFC 9110 §5.5: white space around a field's value is no part of it; no server sees it.
  ['27 a trailing space', () => [`Bearer ${good()} `]],
];

async function bothWays(values: readonly string[]): Promise<RawAnswer[]> {
  const { headers, body } = modernMessage('resources/list', {});
  const host = ['Host', new URL(server.url).host] as const;
  const authorization = values.map((value) => ['Authorization', value] as const);
  tried += 2;
  return await Promise.all([
    rawRequest(server.url, { headers: [host, ...headers, ...authorization], body }),
    rawRequest(server.url, {
      headers: [host, ...authorization],
      method: 'GET',
      path: '/v1/search?q=a',
    }),
  ]);
}

function assertRefused(answer: RawAnswer, status: number, says: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  const { error } = JSON.parse(answer.text) as { error: { message: string } };
  assert.equal(error.message, says);
  assert.ok(answer.text.length < 500, 'no part of a token comes back');
  assert.equal(answer.headers['cache-control'], 'no-store');
}

function assertChallenge({ headers }: RawAnswer, tokenSent: boolean): void {
  const challenge = String(headers['www-authenticate']);
  const metadata = `${server.url}/.well-known/oauth-protected-resource/mcp`;
  assert.ok(
    challenge.startsWith(tokenSent ? 'Bearer error="invalid_token", scope="' : 'Bearer scope="'),
  );
  assert.ok(challenge.endsWith(`resource_metadata="${metadata}"`), challenge);
  assert.doesNotMatch(challenge, /offline_access/);
}

for (const [name, forge] of REFUSED) {
  test(`B-AC-5: 401 for ${name}`, async () => {
    for (const answer of await bothWays([`Bearer ${await forge()}`])) {
      assertRefused(answer, 401, ERRORS.UNAUTHENTICATED.says);
      assertChallenge(answer, true);
    }
  });
}

for (const [name, values] of UNNAMED) {
  test(`B-AC-5: 401 for ${name}`, async () => {
    const sent = values();
    for (const answer of await bothWays(sent)) {
      assertRefused(answer, 401, ERRORS.UNAUTHENTICATED.says);
      assertChallenge(answer, sent.length > 0);
    }
  });
}

for (const [name, values] of MALFORMED) {
  test(`B-AC-5: 400 for ${name}`, async () => {
    for (const answer of await bothWays(values())) {
      assertRefused(
        answer,
        400,
        'Send exactly one Authorization header: Bearer, one space, the token.',
      );
      assert.equal(answer.headers['www-authenticate'], undefined);
    }
  });
}

for (const [name, values] of ACCEPTED) {
  test(`accepted: ${name}`, async () => {
    for (const answer of await bothWays(values())) assert.equal(answer.status, 200, answer.text);
  });
}

test('24: headers past the bound are refused before anything reads them', async () => {
  for (const answer of await bothWays([`Bearer ${'x'.repeat(20_000)}`])) {
    assertRefused(answer, 431, ERRORS.TOO_LARGE.says);
  }
});

test('6: nobody fetched what a token names', () => {
  assert.equal(hits, 0);
});
