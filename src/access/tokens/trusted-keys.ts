import { type CryptoKey, importJWK, type JWK } from 'jose';

/** Asymmetric only: with an HMAC allowed, a public key would serve as the secret. */
const ALGORITHMS = ['ES256', 'RS256', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface TrustedKey {
  readonly key: CryptoKey;
  /** The one algorithm that this key verifies; what the token's header says must equal it. */
  readonly algorithm: Algorithm;
}

/** The issuer's public keys, by key id. */
export type TrustedKeys = ReadonlyMap<string, TrustedKey>;

/**
 * Imports the public half of each key of a JWK set.
 * @throws Error for a key without `kid` or `alg`, of another algorithm, or named twice.
 */
export async function trustKeys(jwks: { readonly keys: readonly JWK[] }): Promise<TrustedKeys> {
  const trusted = new Map<string, TrustedKey>();
  for (const jwk of jwks.keys) {
    const { kid } = jwk;
    const algorithm = ALGORITHMS.find((known) => known === jwk.alg);
    if (kid === undefined || algorithm === undefined || trusted.has(kid)) {
      throw new Error(`a key needs its own kid and an alg of ${ALGORITHMS.join(', ')}`);
    }
    const key = await importJWK(publicPart(jwk), algorithm);
    if (key instanceof Uint8Array) throw new Error('a symmetric key cannot be trusted');
    trusted.set(kid, { key, algorithm });
  }
  return trusted;
}

/** Named parts rather than all but the private ones, so that nothing private slips through. */
export function publicPart({ kty, crv, x, y, n, e, kid, alg }: JWK): JWK {
  const parts = { kty, crv, x, y, n, e, kid, alg, use: 'sig' };
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as JWK;
}

/** Where the keys of tokens come from. */
export interface KeySource {
  /**
   * The same object for as long as the issuer has the key: what was verified with it is worth
   * nothing once this is another one, or none.
   * @returns `undefined` when the issuer has no such key
   * @throws Fault ISSUER_UNAVAILABLE when that cannot be told
   */
  find(kid: string): Promise<TrustedKey | undefined>;
  /** Called with each key that counts no longer, where keys can be taken back. */
  onRetired?(listener: (key: TrustedKey) => void): void;
}

/** Keys that never change while the process runs: those of our own issuer. */
export function fixedKeys(keys: TrustedKeys): KeySource {
  return { find: (kid) => Promise.resolve(keys.get(kid)) };
}
