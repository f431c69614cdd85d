import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { CompactEncrypt, importJWK, type JWK } from 'jose';

/**
 * security.md §6, 1–31: tokens made by hand with the issuer's own key, wrong in one thing only.
 * Whose key that is `forgeWith` says, before any of them is made.
 */
type Json = Record<string, unknown>;
type Signing = (input: string) => Buffer;

export interface Forging {
  readonly issuer: string;
  readonly audience: string;
  /** The issuer's key of ES256 with its private part. */
  readonly jwk: JWK & { readonly kid: string };
  /** An address that nobody may ask because a token names it. */
  readonly elsewhere: (path: string) => string;
}

/** Number of the list, what is wrong, and how it is made. */
export type Attempt<T> = readonly [number, string, T];

let forging: Forging | undefined;
const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const now = Math.floor(Date.now() / 1000);

export function forgeWith(kit: Forging): void {
  forging = kit;
}

function kit(): Forging {
  if (forging === undefined) throw new Error('forgeWith comes first');
  return forging;
}

const key = (): KeyObject => createPrivateKey({ key: kit().jwk as never, format: 'jwk' });
const header = (): Json => ({ alg: 'ES256', typ: 'at+jwt', kid: kit().jwk.kid });
const claims = (): Json => ({
  ...{ iss: kit().issuer, aud: kit().audience, sub: 'ana', client_id: 'attacker', jti: 'j1' },
  ...{ iat: now, exp: now + 600, tenant: 'demo', scope: 'twin:read twin:search' },
});
const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const es256 =
  (by: KeyObject): Signing =>
  (input) =>
    sign('sha256', Buffer.from(input), { key: by, dsaEncoding: 'ieee-p1363' });

function token(head: unknown, payload: unknown, signing: Signing = es256(key())): string {
  const input = `${part(head)}.${part(payload)}`;
  return `${input}.${signing(input).toString('base64url')}`;
}
/** A good token, but for the claims that are given. */
export const withClaims = (more: Json): string => token(header(), { ...claims(), ...more });
const good = (): string => withClaims({});
const without = (name: string): string => withClaims({ [name]: undefined });
const withHeader = (more: Json): string => token({ ...header(), ...more }, claims());
const literal = (from: string, to: string): string =>
  token(header(), JSON.stringify(claims()).replace(from, to));
const publicJwk = (): Json => ({ ...kit().jwk, d: undefined });
async function encrypted(): Promise<string> {
  const to = await importJWK({ ...publicJwk(), alg: 'ECDH-ES' } as JWK);
  return await new CompactEncrypt(Buffer.from(JSON.stringify(claims())))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', typ: 'at+jwt', kid: kit().jwk.kid })
    .encrypt(to);
}

type Forged = string | Promise<string>;

/** Number of the list, what is wrong, the token. All are 401 with a challenge. */
export const REFUSED: readonly Attempt<() => Forged>[] = [
  [3, 'alg none', () => token({ ...header(), alg: 'none' }, claims(), () => Buffer.alloc(0))],
  [3, 'alg none, signed', () => withHeader({ alg: 'none' })],
  [3, 'alg NoNe', () => token({ ...header(), alg: 'NoNe' }, claims(), () => Buffer.alloc(0))],
  [3, 'empty signature', () => `${good().split('.').slice(0, 2).join('.')}.`],
  [3, 'signature of another key', () => token(header(), claims(), es256(attacker.privateKey))],
  [
    3,
    'signature of another payload',
    () => [...good().split('.').slice(0, 2), withClaims({ sub: 'ben' }).split('.')[2]].join('.'),
  ],
  [
    3,
    'signature as DER',
    () => token(header(), claims(), (input) => sign('sha256', Buffer.from(input), key())),
  ],
  [
    4,
    'HS256 with the public JWK',
    () =>
      token({ ...header(), alg: 'HS256' }, claims(), (input) =>
        createHmac('sha256', JSON.stringify(publicJwk())).update(input).digest(),
      ),
  ],
  [
    4,
    'HS256 with the public PEM',
    () =>
      token({ ...header(), alg: 'HS256' }, claims(), (input) =>
        createHmac('sha256', publicPem()).update(input).digest(),
      ),
  ],
  [
    5,
    'embedded jwk',
    () =>
      token(
        { ...header(), jwk: attacker.publicKey.export({ format: 'jwk' }) },
        claims(),
        es256(attacker.privateKey),
      ),
  ],
  [5, 'embedded jwk, good signature', () => withHeader({ jwk: publicJwk() })],
  [
    6,
    'jku',
    () =>
      token({ ...header(), jku: kit().elsewhere('/jwks') }, claims(), es256(attacker.privateKey)),
  ],
  [6, 'jku, good signature', () => withHeader({ jku: kit().elsewhere('/jwks') })],
  [
    6,
    'x5u',
    () =>
      token({ ...header(), x5u: kit().elsewhere('/cert') }, claims(), es256(attacker.privateKey)),
  ],
  [6, 'x5u, good signature', () => withHeader({ x5u: kit().elsewhere('/cert') })],
  [6, 'x5c', () => withHeader({ x5c: ['MIIB'] })],
  [
    6,
    'iss of the attacker',
    () => token(header(), { ...claims(), iss: kit().elsewhere('') }, es256(attacker.privateKey)),
  ],
  [7, 'kid path', () => withHeader({ kid: '../../dev/null' })],
  [7, 'kid SQL', () => withHeader({ kid: "k1' OR '1'='1" })],
  [7, 'kid object', () => withHeader({ kid: { [kit().jwk.kid]: 1 } })],
  [7, 'kid list', () => withHeader({ kid: [kit().jwk.kid] })],
  [7, 'kid __proto__', () => withHeader({ kid: '__proto__' })],
  [7, 'kid with a line feed', () => withHeader({ kid: `${kit().jwk.kid}\n` })],
  [7, 'kid unknown', () => withHeader({ kid: 'other' })],
  [8, 'no kid', () => token({ alg: 'ES256', typ: 'at+jwt' }, claims())],
  [9, 'typ JWT', () => withHeader({ typ: 'JWT' })],
  [9, 'no typ', () => token({ alg: 'ES256', kid: kit().jwk.kid }, claims())],
  [10, 'crit', () => withHeader({ crit: ['x'], x: 1 })],
  [10, 'crit empty', () => withHeader({ crit: [] })],
  [10, 'b64 false', () => withHeader({ b64: false, crit: ['b64'] })],
  ...['exp', 'iat', 'sub', 'client_id', 'jti', 'iss', 'tenant'].map(
    (name) => [11, `no ${name}`, () => without(name)] as const,
  ),
  [12, 'exp text', () => withClaims({ exp: String(now + 600) })],
  [12, 'iat text', () => withClaims({ iat: String(now) })],
  [13, 'exp 1e400', () => literal(`"exp":${now + 600}`, '"exp":1e400')],
  [13, 'exp fraction', () => withClaims({ exp: now + 600.5 })],
  [13, 'exp negative', () => withClaims({ exp: -1 })],
  [14, 'exp in ten years', () => withClaims({ exp: now + 315_360_000 })],
  [14, 'a life over an hour', () => withClaims({ iat: now - 10, exp: now + 3_591 })],
  [14, 'exp before iat', () => withClaims({ iat: now + 3, exp: now + 2 })],
  [
    15,
    'expired 6 s ago',
    () => withClaims({ iat: now - 60, exp: Math.floor(Date.now() / 1000) - 7 }),
  ],
  [16, 'nbf in the future', () => withClaims({ nbf: now + 300 })],
  [17, 'iat in the future', () => withClaims({ iat: now + 300, exp: now + 600 })],
  [18, 'iss with a slash', () => withClaims({ iss: `${kit().issuer}/` })],
  [18, 'iss other', () => withClaims({ iss: 'https://evil.example' })],
  [18, 'iss list', () => withClaims({ iss: [kit().issuer] })],
  [19, 'aud other path', () => withClaims({ aud: kit().audience.replace(/mcp$/, 'other') })],
  [19, 'aud origin alone', () => withClaims({ aud: new URL(kit().audience).origin })],
  [19, 'aud with a slash', () => withClaims({ aud: `${kit().audience}/` })],
  [19, 'aud upper case', () => withClaims({ aud: kit().audience.toUpperCase() })],
  [19, 'aud suffix', () => withClaims({ aud: `${kit().audience}.evil.com` })],
  [19, 'no aud', () => without('aud')],
  [20, 'aud list with ours', () => withClaims({ aud: [kit().audience, 'https://other.example'] })],
  [20, 'aud list of ours alone', () => withClaims({ aud: [kit().audience] })],
  [21, 'aud list without ours', () => withClaims({ aud: ['https://other.example'] })],
  [22, 'sub object', () => withClaims({ sub: { a: 1 } })],
  [22, 'sub list', () => withClaims({ sub: ['ana'] })],
  [22, 'sub empty', () => withClaims({ sub: '' })],
  [22, 'sub with a line feed', () => withClaims({ sub: 'ana\nben' })],
  [22, 'sub with NUL', () => withClaims({ sub: 'ana\u0000' })],
  [22, 'sub full-width', () => withClaims({ sub: 'ａｎａ' })],
  [23, 'duplicate aud', () => literal('"aud"', '"aud":"https://other.example","aud"')],
  [23, 'duplicate sub, escaped', () => literal('"sub"', '"s\\u0075b":"ben","sub"')],
  [
    23,
    'duplicate alg',
    () => token(`{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"${kit().jwk.kid}"}`, claims()),
  ],
  [24, '10 KB', () => withClaims({ pad: 'x'.repeat(7_500) })],
  [
    25,
    'PS256',
    () =>
      token({ ...header(), alg: 'PS256' }, claims(), (input) =>
        sign('sha256', Buffer.from(input), { key: rsa.privateKey, padding: 6, saltLength: 32 }),
      ),
  ],
  [
    25,
    'RS256',
    () =>
      token({ ...header(), alg: 'RS256' }, claims(), (input) =>
        sign('sha256', Buffer.from(input), rsa.privateKey),
      ),
  ],
  [25, 'ES384 named', () => withHeader({ alg: 'ES384' })],
  [26, 'JWE', () => encrypted()],
  [26, 'four parts', () => `${good()}.x`],
  [26, 'two parts', () => good().split('.').slice(0, 2).join('.')],
  [26, 'padded', () => `${good()}==`],
  [
    26,
    'standard base64',
    () =>
      token(header(), { ...claims(), pad: '>>>???' })
        .replaceAll('-', '+')
        .replaceAll('_', '/')
        .concat('+'),
  ],
  [26, 'payload list', () => token(header(), [])],
  [26, 'payload text', () => token(header(), '"ana"')],
  [26, 'payload not JSON', () => token(header(), 'ana')],
  [
    26,
    'payload not UTF-8',
    () => token(header(), Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1')),
  ],
  [28, 'for another API', () => withClaims({ aud: 'https://upstream.example/api' })],
  [30, 'cnf without its proof', () => withClaims({ cnf: { jkt: 'abc' } })],
  [31, 'expired and without scope', () => withClaims({ iat: now - 600, exp: now - 60, scope: '' })],
];

function publicPem(): string {
  return createPublicKey(key()).export({ type: 'spki', format: 'pem' }).toString();
}

/** Values of `Authorization` as sent. All are 400: no token can be told for sure. */
export const MALFORMED: readonly Attempt<() => readonly string[]>[] = [
  [27, 'something after it', () => [`Bearer ${good()} extra`]],
  [27, 'two spaces', () => [`Bearer  ${good()}`]],
  [27, 'a comma list', () => [`Bearer ${good()}, Bearer ${good()}`]],
  [27, 'two headers', () => [`Bearer ${good()}`, `Bearer ${good()}`]],
  [27, 'a good and a bad header', () => [`Bearer ${good()}`, 'Basic YTpi']],
  [27, 'a bad and a good header', () => ['Basic YTpi', `Bearer ${good()}`]],
];

export const UNNAMED: readonly Attempt<() => readonly string[]>[] = [
  [1, 'none', () => []],
  [2, 'Basic', () => ['Basic YTpi']],
  [2, 'Bearer alone', () => ['Bearer']],
  [2, 'the token alone', () => [good()]],
  [2, 'Token', () => [`Token ${good()}`]],
];

export const ACCEPTED: readonly Attempt<() => readonly string[]>[] = [
  [1, 'a good token', () => [`Bearer ${good()}`]],
  [
    15,
    'expired 1 s ago',
    () => [`Bearer ${withClaims({ iat: now - 60, exp: Math.floor(Date.now() / 1000) - 1 })}`],
  ],
  // RFC 9110 §5.5: white space around a field's value is no part of it; no server sees it.
  [27, 'a trailing space', () => [`Bearer ${good()} `]],
];
