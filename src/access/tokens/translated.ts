import { type ClaimNames, MAPPED_CLAIMS, type MappedClaim } from '../../contract/tokens.ts';
import type { Claims, Profile } from './profiles.ts';
import { refused } from './refusal.ts';

/** The issuer's claims under our names; nothing else of the token. */
export type OurClaims = Readonly<Partial<Record<MappedClaim, unknown>>>;

/**
 * A claim that is mapped is read under the issuer's name alone: the one that happens to have ours
 * may mean another thing there.
 */
export function translated(claims: Claims, profile: Profile, names: ClaimNames = {}): OurClaims {
  const nameOf = (claim: MappedClaim) => names[claim] ?? profile.names[claim] ?? claim;
  const found = MAPPED_CLAIMS.map((claim) => {
    const name = nameOf(claim);
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return [claim, claim === 'scope' ? scopeText(value, profile) : value] as const;
  });
  return Object.fromEntries(found);
}

/** One text, also of an issuer that lists scopes: each must be one, or a space would make two. */
function scopeText(scope: unknown, { scopes }: Profile): unknown {
  if (scopes === 'text' || scope === undefined) return scope;
  if (!Array.isArray(scope)) throw refused('scope is a list', 'OAUTH_PROFILE says how it is made');
  const isOne = (one: unknown) => typeof one === 'string' && !/[\s,]/.test(one) && one !== '';
  if (!scope.every(isOne)) throw refused('each scope of the list is one');
  return scope.join(' ');
}
