import { isId } from '../../contract/uris.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Principal } from '../../twin/ports.ts';
import { actorsOf, agentId, isAgent, SUBJECT } from './actors.ts';
import { authenticationOf } from './authentication.ts';
import type { Claims, Profile } from './profiles.ts';
import { PURPOSES } from './purposes.ts';
import { refused } from './refusal.ts';
import { isSeconds } from './seconds.ts';
import { type OurClaims, translated } from './translated.ts';

export interface ClaimExpectations {
  /** Exact `iss`. */
  readonly issuer: string;
  /** Exact `aud`: one string, never a list, also not a list that holds it (contract "Claims"). */
  readonly audience: string;
  readonly nowSeconds: number;
  readonly profile: Profile;
  /** Of claims that `OAUTH_CLAIMS` maps, over those of the profile. */
  readonly names?: Profile['names'];
  /** Of the token, in base64url: its id where a profile lets the issuer leave that out. */
  readonly digest: string;
}

const IDENTIFIER = /^[\x21-\x7e]{1,512}$/;
/** RFC 6749 §3.3 scope, each token once separated by one space; empty is no scope at all. */
const SCOPE = /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/;
const SCOPES_MAX = 64;
const MAPS = 'OAUTH_PROFILE and OAUTH_CLAIMS name the claim';

/**
 * What jose does not ask of a payload that it has verified: kinds, life, one audience.
 * @throws Fault UNAUTHENTICATED, the rule in its cause.
 */
export function principalOf(claims: Claims, expected: ClaimExpectations): Principal {
  const { issuer, profile, nowSeconds } = expected;
  const { accessToken } = profile;
  if (claims.iss !== issuer) throw refused('iss of the configured issuer', 'OAUTH_ISSUER names it');
  requireAudience(claims.aud, expected);
  if (accessToken !== undefined && !accessToken.is(claims)) {
    throw refused(accessToken.rule, 'OAUTH_PROFILE says whose tokens these are');
  }
  const expiresAtMs = lifeOf(claims, expected);
  const ours = translated(claims, profile, expected.names);
  const purpose = purposeOf(ours);
  const who = subjectOf(ours, profile.isMachine(claims));
  if (typeof ours.tenant !== 'string' || !isId(ours.tenant)) throw refused('tenant is an id', MAPS);
  return {
    ...who,
    tenant: ours.tenant,
    clientId: identifier(ours.client_id, 'client_id'),
    scopes: scopesOf(ours),
    ...(purpose !== undefined && { purpose }),
    ...authenticationOf(ours, nowSeconds),
    issuer,
    tokenId: tokenIdOf(ours, expected),
    expiresAtMs,
  };
}

function requireAudience(aud: unknown, { audience, issuer, profile }: ClaimExpectations): void {
  if (aud === audience) return;
  const beside = profile.besides?.(issuer);
  const both = [audience, beside];
  const isPair =
    beside !== undefined &&
    Array.isArray(aud) &&
    aud.length === 2 &&
    both.every((one) => aud.includes(one));
  if (isPair) return;
  const rule = 'aud is this server alone (PUBLIC_URL + /mcp)';
  throw refused(rule, 'OAUTH_AUDIENCE names another; a list means that others may use the token');
}

/** When the token ends, in milliseconds. `1e400` is Infinity, which jose takes for a number. */
function lifeOf(
  { exp, iat, nbf, cnf }: Claims,
  { nowSeconds, profile }: ClaimExpectations,
): number {
  if (!isSeconds(exp)) throw refused('exp is a safe integer');
  if (!isSeconds(iat)) throw refused('iat is a safe integer');
  if (nbf !== undefined && !isSeconds(nbf)) throw refused('nbf is a safe integer');
  if (iat > nowSeconds + LIMITS.clockSkewSeconds) throw refused('iat not in the future', 'NTP');
  const life = exp - iat;
  if (life <= 0 || life > profile.lifeSecondsMax) {
    const rule = `exp at most ${profile.lifeSecondsMax / 3600} h after iat`;
    throw refused(rule, 'the issuer sets the life of access tokens for this audience');
  }
  // A token bound to a key (RFC 7800, DPoP) must not pass without its proof; we take no proofs.
  if (cnf !== undefined) throw refused('no cnf', 'have the issuer make plain bearer tokens');
  return Math.min(exp, iat + LIMITS.tokenLifeMaxSeconds) * 1000;
}

type Who = Pick<Principal, 'kind' | 'subject' | 'actor' | 'actors'>;

function subjectOf({ sub, act, client_id: client }: OurClaims, isMachine: boolean): Who {
  if (typeof sub !== 'string' || !SUBJECT.test(sub)) {
    throw refused('sub is a plain string', MAPS);
  }
  const actors = actorsOf(act);
  if (!isAgent(sub) && !isMachine) {
    const [actor] = actors;
    return { kind: 'user', subject: sub, ...(actor !== undefined && { actor, actors }) };
  }
  if (actors.length > 0) throw refused('an agent acts for a person, not for an agent');
  // A client that got a token for itself is the agent of its own client id, whatever `sub` is.
  const named = isAgent(sub) ? sub : client;
  if (typeof named !== 'string' || !SUBJECT.test(named)) throw refused('client_id names an agent');
  return { kind: 'agent', subject: agentId(named, 'sub') };
}

function scopesOf({ scope = '' }: OurClaims): ReadonlySet<string> {
  if (typeof scope !== 'string' || !SCOPE.test(scope)) {
    throw refused('scope is a scope string', MAPS);
  }
  const scopes = new Set(scope.split(' ').filter((one) => one !== ''));
  if (scopes.size > SCOPES_MAX) throw refused('scope count');
  return scopes;
}

function purposeOf({ purpose_of_use: purpose }: OurClaims): string | undefined {
  if (purpose === undefined) return undefined;
  if (typeof purpose === 'string' && PURPOSES.has(purpose)) return purpose;
  throw refused('purpose_of_use is a v3-PurposeOfUse code', MAPS);
}

function tokenIdOf({ jti }: OurClaims, { profile, digest }: ClaimExpectations): string {
  if (jti === undefined && profile.mayLackId === true) return `sha256-${digest}`;
  return identifier(jti, 'jti');
}

function identifier(value: unknown, claim: string): string {
  if (typeof value === 'string' && IDENTIFIER.test(value)) return value;
  throw refused(`${claim} is a plain string`, MAPS);
}
