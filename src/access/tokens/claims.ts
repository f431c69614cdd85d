import { isId } from '../../contract/uris.ts';
import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Principal } from '../../twin/ports.ts';
import { PURPOSES } from './purposes.ts';
import { refused } from './refusal.ts';

export interface ClaimExpectations {
  /** Exact `iss`. */
  readonly issuer: string;
  /** Exact `aud`: one string, never a list, also not a list that holds it (contract "Claims"). */
  readonly audience: string;
  readonly nowSeconds: number;
}

type Claims = Readonly<Record<string, unknown>>;

/** Printable ASCII without the space: what SpiceDB ids, logs and audit can carry. */
const SUBJECT = /^[\x21-\x7e]{1,128}$/;
const IDENTIFIER = /^[\x21-\x7e]{1,512}$/;
/** RFC 6749 §3.3 scope, each token once separated by one space; empty is no scope at all. */
const SCOPE = /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/;
const SCOPES_MAX = 64;
const AGENT = 'agent:';

/**
 * What jose does not ask of a payload that it has verified: kinds, life, one audience.
 * @throws Fault UNAUTHENTICATED, the rule in its cause.
 */
export function principalOf(claims: Claims, expected: ClaimExpectations): Principal {
  if (claims.iss !== expected.issuer) throw refused('iss of the configured issuer');
  if (claims.aud !== expected.audience)
    throw refused('aud is this server alone (PUBLIC_URL + /mcp)');
  const expiresAtMs = lifeOf(claims, expected.nowSeconds);
  const purpose = purposeOf(claims);
  const who = subjectOf(claims);
  if (typeof claims.tenant !== 'string' || !isId(claims.tenant)) throw refused('tenant is an id');
  return {
    ...who,
    tenant: claims.tenant,
    clientId: identifier(claims.client_id, 'client_id'),
    scopes: scopesOf(claims),
    ...(purpose !== undefined && { purpose }),
    issuer: expected.issuer,
    tokenId: identifier(claims.jti, 'jti'),
    expiresAtMs,
  };
}

/** When the token ends, in milliseconds. `1e400` is Infinity, which jose takes for a number. */
function lifeOf({ exp, iat, nbf, cnf }: Claims, nowSeconds: number): number {
  if (!isSeconds(exp)) throw refused('exp is a safe integer');
  if (!isSeconds(iat)) throw refused('iat is a safe integer');
  if (nbf !== undefined && !isSeconds(nbf)) throw refused('nbf is a safe integer');
  if (iat > nowSeconds + LIMITS.clockSkewSeconds) throw refused('iat not in the future');
  const life = exp - iat;
  if (life <= 0 || life > LIMITS.tokenLifeMaxSeconds) throw refused('exp at most 1 h after iat');
  // A token bound to a key (RFC 7800, DPoP) must not pass without its proof; we take no proofs.
  if (cnf !== undefined) throw refused('no cnf');
  return exp * 1000;
}

function subjectOf({ sub, act }: Claims): Pick<Principal, 'kind' | 'subject' | 'actor'> {
  if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw refused('sub is a plain string');
  const actor = act === undefined ? undefined : actorOf(act);
  if (!sub.startsWith(AGENT)) {
    return { kind: 'user', subject: sub, ...(actor !== undefined && { actor }) };
  }
  if (actor !== undefined) throw refused('an agent acts for a person, not for an agent');
  return { kind: 'agent', subject: agentId(sub, 'sub') };
}

/** RFC 8693 §4.1: the outermost actor counts; earlier ones nested inside are history. */
function actorOf(act: unknown): string {
  if (!isObject(act) || typeof act.sub !== 'string' || !SUBJECT.test(act.sub)) {
    throw refused('act.sub is a plain string');
  }
  return agentId(act.sub, 'act.sub');
}

/** `agent:assistant` or `assistant`. */
function agentId(text: string, claim: string): string {
  const id = text.startsWith(AGENT) ? text.slice(AGENT.length) : text;
  if (id === '' || id.startsWith('user:')) throw refused(`${claim} names an agent`);
  return id;
}

function scopesOf({ scope = '' }: Claims): ReadonlySet<string> {
  if (typeof scope !== 'string' || !SCOPE.test(scope)) throw refused('scope is a scope string');
  const scopes = new Set(scope.split(' ').filter((one) => one !== ''));
  if (scopes.size > SCOPES_MAX) throw refused('scope count');
  return scopes;
}

function purposeOf({ purpose_of_use: purpose }: Claims): string | undefined {
  if (purpose === undefined) return undefined;
  if (typeof purpose === 'string' && PURPOSES.has(purpose)) return purpose;
  throw refused('purpose_of_use is a v3-PurposeOfUse code');
}

function identifier(value: unknown, claim: string): string {
  if (typeof value === 'string' && IDENTIFIER.test(value)) return value;
  throw refused(`${claim} is a plain string`);
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
