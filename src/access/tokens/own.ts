import type { Clock } from '../../kernel/clock.ts';
import { audienceOf } from './challenge.ts';
import { createDevIssuer, type DevIssuer, type DevIssuerOptions } from './dev-issuer.ts';
import { fixedKeys, trustKeys } from './trusted-keys.ts';
import { createVerifier, type Verifier } from './verifier.ts';

/** Whose tokens are taken, and by what. */
export interface TokensOf {
  readonly verifier: Verifier;
  readonly issuer: string;
  /** Absent where tokens come from elsewhere. */
  readonly mint?: DevIssuer['mint'];
}

/** Tokens of the issuer for development, whose key is this deployment's own. */
export async function ownTokens({
  publicUrl,
  key,
  clock,
}: {
  readonly publicUrl: string;
  readonly key: DevIssuerOptions['key'];
  readonly clock: Clock;
}): Promise<TokensOf> {
  const audience = audienceOf(publicUrl);
  const { jwks, mint } = createDevIssuer({ issuer: publicUrl, audience, key, clock });
  const keys = fixedKeys(await trustKeys(jwks()));
  const verifier = createVerifier({ issuer: publicUrl, audience, keys, clock });
  return { verifier, issuer: publicUrl, mint };
}
