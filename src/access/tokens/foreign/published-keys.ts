import { calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import { isObject } from '../../../kernel/json.ts';
import { LIMITS } from '../../../kernel/limits.ts';
import { KID } from '../header.ts';
import { type Algorithm, publicPart, type TrustedKey } from '../trusted-keys.ts';
import { IssuerWrong, NoKeys } from './fetch-json.ts';

export interface PublishedKey {
  readonly trusted: TrustedKey;
  /** RFC 7638, with the algorithm: the same for as long as the key is the same. */
  readonly thumbprint: string;
}

const MEND = 'it must publish signing keys of RS256, ES256 or EdDSA, each with a kid of its own';
/** RFC 8725 §3.5, NIST SP 800-131A. */
const RSA_BITS_MIN = 2_048;

/**
 * The keys of a JWK set that access tokens may be signed with, by `kid`. A company's set holds
 * others as well, for encryption or other algorithms: these are passed over.
 * @throws IssuerWrong where it is no set, or none of them will do
 */
export async function publishedKeys(jwks: unknown): Promise<ReadonlyMap<string, PublishedKey>> {
  if (!isObject(jwks) || !Array.isArray(jwks.keys)) {
    throw new IssuerWrong('publishes no JWK set', MEND);
  }
  if (jwks.keys.length > LIMITS.foreignIssuer.keysMax) {
    throw new IssuerWrong(`publishes more than ${LIMITS.foreignIssuer.keysMax} keys`, MEND);
  }
  const found = new Map<string, PublishedKey>();
  const twice = new Set<string>();
  for (const jwk of jwks.keys.filter(isSigningKey)) {
    if (found.has(jwk.kid)) twice.add(jwk.kid);
    const key = await imported(jwk);
    if (key !== undefined) found.set(jwk.kid, key);
  }
  // Which of two keys of one name signed a token cannot be told.
  for (const kid of twice) found.delete(kid);
  if (found.size === 0) throw new NoKeys('publishes no key that can be used', MEND);
  return found;
}

type NamedJwk = JWK & { readonly kid: string };

function isSigningKey(jwk: unknown): jwk is NamedJwk {
  if (!isObject(jwk) || typeof jwk.kid !== 'string' || !KID.test(jwk.kid)) return false;
  const { use, key_ops: operations } = jwk;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return false;
  }
  return use === undefined || use === 'sig';
}

/** The one algorithm of a key; RFC 7517 leaves `alg` optional, and Entra leaves it out. */
function algorithmOf({ kty, crv, alg }: JWK): Algorithm | undefined {
  const byKind = kty === 'RSA' ? 'RS256' : BY_CURVE[crv ?? ''];
  return alg === undefined || alg === byKind ? byKind : undefined;
}

const BY_CURVE: Readonly<Record<string, Algorithm>> = { 'P-256': 'ES256', Ed25519: 'EdDSA' };

async function imported(jwk: NamedJwk): Promise<PublishedKey | undefined> {
  const algorithm = algorithmOf(jwk);
  if (algorithm === undefined || isWeak(jwk)) return undefined;
  try {
    const part = publicPart(jwk);
    const key = await importJWK(part, algorithm);
    if (key instanceof Uint8Array) return undefined;
    const thumbprint = `${algorithm} ${await calculateJwkThumbprint(part)}`;
    return { trusted: { key, algorithm }, thumbprint };
  } catch {
    return undefined;
  }
}

function isWeak({ kty, n }: JWK): boolean {
  if (kty !== 'RSA') return false;
  return Buffer.from(n ?? '', 'base64url').length * 8 < RSA_BITS_MIN;
}
