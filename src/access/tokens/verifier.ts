import { createHash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import type { Clock } from '../../kernel/clock.ts';
import type { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Principal } from '../../twin/ports.ts';
import { bearerToken } from './bearer.ts';
import { principalOf } from './claims.ts';
import { createDenylist } from './denylist.ts';
import { headerOf, jsonPart } from './header.ts';
import { refused } from './refusal.ts';
import type { TrustedKeys } from './trusted-keys.ts';

export interface VerifierOptions {
  readonly issuer: string;
  /** `PUBLIC_URL` + `/mcp`. */
  readonly audience: string;
  readonly keys: TrustedKeys;
  readonly clock: Clock;
}

export interface Verifier {
  /**
   * @param rawHeaders as node gives them: name, value, name, value, …
   * @throws Fault UNAUTHENTICATED (the rule in its cause), or INVALID_REQUEST for a malformed header.
   */
  authenticate(rawHeaders: readonly string[]): Promise<Principal>;
  /** Verifies a token that came another way: the stdio bridge's environment. */
  verify(token: string): Promise<Principal>;
  /** Ends a token early, here and now. @throws Fault RATE_LIMITED: not revoked. */
  revoke(tokenId: string, expiresAtMs: number): void;
  onRevoked(listener: (tokenId: string) => void): () => void;
}

/** Verified tokens that need no second verification, by their SHA-256. */
const VERIFIED_TOKENS_MAX = 10_000;

export function createVerifier(options: VerifierOptions): Verifier {
  const { clock } = options;
  const denied = createDenylist(clock);
  const verified = new Map<string, Principal>();

  const remember = (digest: string, principal: Principal): void => {
    verified.set(digest, principal);
    for (const oldest of verified.keys()) {
      if (verified.size <= VERIFIED_TOKENS_MAX) break;
      verified.delete(oldest);
    }
  };
  const verify = async (token: string): Promise<Principal> => {
    if (token.length > LIMITS.tokenCharsMax) throw refused('token length');
    const digest = createHash('sha256').update(token).digest('base64');
    const known = verified.get(digest);
    verified.delete(digest);
    const fresh = known !== undefined && known.expiresAtMs > clock.now();
    const principal = fresh ? known : await verifyOnce(token, options);
    if (denied.has(principal.tokenId)) throw refused('not revoked');
    remember(digest, principal);
    return principal;
  };

  return {
    authenticate: async (rawHeaders) => await verify(bearerToken(rawHeaders)),
    verify,
    revoke(tokenId, expiresAtMs) {
      for (const [digest, principal] of verified) {
        if (principal.tokenId === tokenId) verified.delete(digest);
      }
      denied.revoke(tokenId, expiresAtMs);
    },
    onRevoked: (listener) => denied.onRevoked(listener),
  };
}

/** Header rules, then the signature and jose's claims, then ours (security.md §6, 3–31). */
async function verifyOnce(token: string, options: VerifierOptions): Promise<Principal> {
  const { issuer, audience, keys, clock } = options;
  const { alg, kid } = headerOf(token);
  const trusted = keys.get(kid);
  if (trusted === undefined) throw refused('kid of a trusted key');
  if (trusted.algorithm !== alg) throw refused('alg of the key');
  const now = clock.now();
  try {
    await jwtVerify(token, trusted.key, {
      algorithms: [trusted.algorithm],
      typ: 'at+jwt',
      issuer,
      audience,
      requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
      clockTolerance: LIMITS.clockSkewSeconds,
      maxTokenAge: LIMITS.tokenLifeMaxSeconds,
      currentDate: new Date(now),
    });
  } catch (error) {
    throw refusedByJose(error);
  }
  const claims = jsonPart(token, 1);
  if (claims === undefined) throw refused('payload is a JSON object with unique keys');
  return principalOf(claims, { issuer, audience, nowSeconds: Math.floor(now / 1000) });
}

/** Whatever goes wrong while verifying is a refusal, never a fault of ours. */
function refusedByJose(error: unknown): Fault {
  if (!(error instanceof errors.JOSEError)) return refused('verifiable');
  const claim = 'claim' in error ? String(error.claim) : '';
  // The one claim whose right value is a setting of ours.
  if (claim === 'aud') return refused('aud is this server alone (PUBLIC_URL + /mcp)');
  return refused(`jose ${error.code} ${claim}`.trim());
}
