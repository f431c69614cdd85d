import type { ClaimNames, OAuthProfile } from '../../../contract/tokens.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { audienceOf } from '../challenge.ts';
import type { TokensOf } from '../own.ts';
import { PROFILES } from '../profiles.ts';
import type { KeySource } from '../trusted-keys.ts';
import { createVerifier } from '../verifier.ts';

/** A company's issuer, as the configuration names it. */
export interface ForeignIssuer {
  readonly issuer: string;
  /** `undefined`: `PUBLIC_URL` + `/mcp`. */
  readonly audience: string | undefined;
  readonly profile: OAuthProfile;
  readonly claims: ClaimNames;
  /** Before each scope that clients are told to ask it for. */
  readonly scopePrefix: string;
}

export interface ForeignTokenParts extends ForeignIssuer {
  readonly publicUrl: string;
  readonly keys: KeySource;
  readonly clock: Clock;
}

/** Tokens of that issuer, and of no other: nothing is minted here. */
export function foreignTokens(parts: ForeignTokenParts): TokensOf {
  const { issuer, publicUrl, audience, profile, claims, keys, clock } = parts;
  const verifier = createVerifier({
    issuer,
    audience: audience ?? audienceOf(publicUrl),
    keys,
    clock,
    profile: PROFILES[profile],
    names: claims,
  });
  return { verifier, issuer };
}
