import { hash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import type { Clock } from '../../kernel/clock.ts';
import type { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Principal } from '../../twin/ports.ts';
import { bearerToken } from './bearer.ts';
import { principalOf } from './claims.ts';
import { createDenylist } from './denylist.ts';
import { headerOf, jsonPart } from './header.ts';
import { PROFILES, type Profile } from './profiles.ts';
import { refused } from './refusal.ts';
import type { KeySource, TrustedKey } from './trusted-keys.ts';

export interface VerifierOptions {
  readonly issuer: string;
  /** `PUBLIC_URL` + `/mcp`, or what `OAUTH_AUDIENCE` says. */
  readonly audience: string;
  readonly keys: KeySource;
  readonly clock: Clock;
  /** Whose tokens these are; RFC 9068's. */
  readonly profile?: Profile;
  /** `OAUTH_CLAIMS` */
  readonly names?: Profile['names'];
}

export interface Verifier {
  /**
   * @param rawHeaders as node gives them: name, value, name, value, …
   * @throws Fault UNAUTHENTICATED (the rule in its cause), INVALID_REQUEST for a malformed header,
   *   ISSUER_UNAVAILABLE when it cannot be told whether the token is good.
   */
  authenticate(rawHeaders: readonly string[]): Promise<Principal>;
  /** Verifies a token that came another way: the stdio bridge's environment. */
  verify(token: string): Promise<Principal>;
  /** Ends a token early, here and now. @throws Fault RATE_LIMITED: not revoked. */
  revoke(tokenId: string, expiresAtMs: number): void;
  /** Tokens that ended early: revoked here, or their key was taken back by the issuer. */
  onRevoked(listener: (tokenId: string) => void): () => void;
}

/** Verified tokens that need no second verification, by their SHA-256. */
const VERIFIED_TOKENS_MAX = 10_000;

interface Verified {
  readonly principal: Principal;
  readonly kid: string;
  /** By which it was verified: once the issuer has another key of that id, it is not any more. */
  readonly key: TrustedKey;
}

export function createVerifier(options: VerifierOptions): Verifier {
  const { clock, keys } = options;
  const denied = createDenylist(clock);
  const verified = new Map<string, Verified>();
  const listeners = new Set<(tokenId: string) => void>();

  // What is open by such a token ends with it, rather than at its expiry.
  keys.onRetired?.((key) => {
    for (const [digest, known] of verified) {
      if (known.key !== key) continue;
      verified.delete(digest);
      for (const listener of listeners) listener(known.principal.tokenId);
    }
  });
  const remember = (digest: string, found: Verified): void => {
    verified.set(digest, found);
    for (const oldest of verified.keys()) {
      if (verified.size <= VERIFIED_TOKENS_MAX) break;
      verified.delete(oldest);
    }
  };
  const isFresh = async ({ principal, kid, key }: Verified): Promise<boolean> =>
    principal.expiresAtMs > clock.now() && (await keys.find(kid)) === key;
  const verify = async (token: string): Promise<Principal> => {
    if (token.length > LIMITS.tokenCharsMax) throw refused('token length');
    const digest = hash('sha256', token, 'base64url');
    const known = verified.get(digest);
    verified.delete(digest);
    const fresh = known !== undefined && (await isFresh(known));
    const found = fresh ? known : await verifyOnce(token, digest, options);
    if (denied.has(found.principal.tokenId)) throw refused('not revoked');
    remember(digest, found);
    return found.principal;
  };

  return {
    authenticate: async (rawHeaders) => await verify(bearerToken(rawHeaders)),
    verify,
    revoke(tokenId, expiresAtMs) {
      for (const [digest, { principal }] of verified) {
        if (principal.tokenId === tokenId) verified.delete(digest);
      }
      denied.revoke(tokenId, expiresAtMs);
    },
    onRevoked(listener) {
      listeners.add(listener);
      const unfollow = denied.onRevoked(listener);
      return () => {
        listeners.delete(listener);
        unfollow();
      };
    },
  };
}

/** Header rules, then the signature and jose's claims, then ours (security.md §6, 3–31). */
async function verifyOnce(
  token: string,
  digest: string,
  options: VerifierOptions,
): Promise<Verified> {
  const { issuer, audience, keys, clock, profile = PROFILES.rfc9068, names } = options;
  const { alg, kid } = headerOf(token, profile.types);
  const trusted = await keys.find(kid);
  if (trusted === undefined) throw refused('kid of a trusted key', 'OAUTH_ISSUER publishes them');
  if (trusted.algorithm !== alg) throw refused('alg of the key');
  const now = clock.now();
  try {
    await jwtVerify(token, trusted.key, {
      algorithms: [trusted.algorithm],
      issuer,
      requiredClaims: ['exp', 'iat', 'aud'],
      clockTolerance: LIMITS.clockSkewSeconds,
      maxTokenAge: LIMITS.tokenLifeMaxSeconds,
      currentDate: new Date(now),
    });
  } catch (error) {
    throw refusedByJose(error);
  }
  const claims = jsonPart(token, 1);
  if (claims === undefined) throw refused('payload is a JSON object with unique keys');
  const expected = { issuer, audience, profile, digest, ...(names && { names }) };
  const principal = principalOf(claims, { ...expected, nowSeconds: Math.floor(now / 1000) });
  return { principal, kid, key: trusted };
}

/** Whatever goes wrong while verifying is a refusal, never a fault of ours. */
function refusedByJose(error: unknown): Fault {
  if (!(error instanceof errors.JOSEError)) return refused('verifiable');
  const claim = 'claim' in error ? String(error.claim) : '';
  const mend = MENDS[claim];
  if (claim === 'iss') return refused('iss of the configured issuer', mend);
  if (claim === 'aud') return refused('aud is this server alone (PUBLIC_URL + /mcp)', mend);
  return refused(`jose ${error.code} ${claim}`.trim(), mend);
}

/** The settings that name the right value of a claim. */
const MENDS: Readonly<Record<string, string>> = {
  iss: 'OAUTH_ISSUER names it',
  aud: 'OAUTH_AUDIENCE names another',
  nbf: 'set the clocks of both by NTP',
  iat: 'set the clocks of both by NTP',
};
