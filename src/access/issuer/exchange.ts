import { errors } from 'oidc-provider';
import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Principal } from '../../twin/ports.ts';
import type { RegisteredClient } from './registered-clients.ts';
import { coveredScopes } from './words.ts';

export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

/** Parameters of RFC 8693 §2.1; the library hands on no others. */
export const EXCHANGE_PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'audience',
  'resource',
  'scope',
] as const;
export type ExchangeRequest = Readonly<
  Partial<Record<(typeof EXCHANGE_PARAMETERS)[number], string | string[]>>
>;

export interface ExchangeParts {
  readonly issuer: string;
  readonly audience: string;
  /** Verified by the rules of the resource server, revocation included. @throws when it will not do */
  verify(token: string): Promise<Principal>;
  /** Claims of a token that was verified. */
  claimsOf(token: string): Readonly<Record<string, unknown>>;
  /** Seconds. */
  now(): number;
}

export interface Exchanged {
  readonly claims: Readonly<Record<string, unknown>> & {
    readonly iat: number;
    readonly exp: number;
  };
  readonly scopes: readonly string[];
  /** `jti` of the token that was given for it. */
  readonly parentId: string;
}

/**
 * RFC 8693: a person's token for one with which this agent acts for them. The new token says who acts
 * (outermost) and who acted before, is for the same audience, and holds and lasts no more than what it
 * was made of. It grants nothing: whether the person trusts the agent is SpiceDB's to say, at each read.
 * @throws InvalidRequest, InvalidScope or InvalidTarget of RFC 8693 §2.2.2
 */
export async function exchange(
  request: ExchangeRequest,
  client: RegisteredClient | undefined,
  parts: ExchangeParts,
): Promise<Exchanged> {
  if (client?.agent !== true) throw new errors.InvalidRequest('only an agent may exchange tokens');
  const subject = await presented(request, 'subject', parts);
  const actor = await actorOf(request, client, parts);
  requireTarget(request, parts.audience);
  const { principal, claims } = subject;
  if (claims.iss !== parts.issuer || principal.kind !== 'user') {
    throw new errors.InvalidRequest('subject_token must be of a person, and of this issuer');
  }
  if (principal.tenant !== client.tenant) {
    throw new errors.InvalidRequest('the agent is of another tenant');
  }
  requireMayAct(claims.may_act, actor, parts.issuer);
  const scopes = narrowed(request.scope, principal.scopes, new Set(client.scopes));
  const iat = parts.now();
  const exp = Math.min(iat + LIMITS.tokenLifeMaxSeconds, Math.floor(principal.expiresAtMs / 1000));
  if (exp <= iat) throw new errors.InvalidRequest('subject_token has ended');
  const kept = ['purpose_of_use', 'acr', 'auth_time', 'may_act'] as const;
  return {
    claims: {
      iss: parts.issuer,
      aud: parts.audience,
      sub: principal.subject,
      client_id: client.id,
      scope: scopes.join(' '),
      tenant: principal.tenant,
      ...Object.fromEntries(kept.flatMap((name) => (name in claims ? [[name, claims[name]]] : []))),
      act: chained(claims.act, actor),
      iat,
      exp,
    },
    scopes,
    parentId: principal.tokenId,
  };
}

async function presented(
  request: ExchangeRequest,
  role: 'subject' | 'actor',
  { verify, claimsOf }: ExchangeParts,
) {
  const token = one(request, `${role}_token`);
  const type = one(request, `${role}_token_type`);
  if (type !== ACCESS_TOKEN && type !== JWT) {
    throw new errors.InvalidRequest(`${role}_token_type must be ${ACCESS_TOKEN}`);
  }
  try {
    return { principal: await verify(token), claims: claimsOf(token) };
  } catch {
    throw new errors.InvalidRequest(`${role}_token is not valid`);
  }
}

/** The client itself, or the agent of a token of that client. */
async function actorOf(
  request: ExchangeRequest,
  client: RegisteredClient,
  parts: ExchangeParts,
): Promise<string> {
  if (request.actor_token === undefined && request.actor_token_type === undefined) return client.id;
  const { principal } = await presented(request, 'actor', parts);
  const own = principal.kind === 'agent' && principal.clientId === client.id;
  if (own && principal.subject === client.id) return principal.subject;
  throw new errors.InvalidRequest('actor_token must be of the client that asks');
}

function requireTarget(request: ExchangeRequest, audience: string): void {
  const named = [request.audience, request.resource].flatMap((value) => value ?? []);
  if (named.some((target) => target !== audience)) {
    throw new errors.InvalidTarget('tokens are for this server alone');
  }
  const type = request.requested_token_type;
  if (type !== undefined && type !== ACCESS_TOKEN && type !== JWT) {
    throw new errors.InvalidRequest('requested_token_type must be an access token');
  }
}

/** RFC 8693 §4.4: where a token says who may act with it, nobody else does. */
function requireMayAct(mayAct: unknown, actor: string, issuer: string): void {
  if (mayAct === undefined) return;
  const known = new Set(['sub', 'iss']);
  const fits =
    isObject(mayAct) &&
    Object.keys(mayAct).every((name) => known.has(name)) &&
    mayAct.sub === `agent:${actor}` &&
    (mayAct.iss === undefined || mayAct.iss === issuer);
  if (!fits) throw new errors.InvalidRequest('may_act of subject_token names another actor');
}

/** What was asked for, or what both hold; asking for more than both hold is an error. */
function narrowed(
  asked: string | string[] | undefined,
  held: ReadonlySet<string>,
  agent: ReadonlySet<string>,
): string[] {
  const wanted = asked === undefined ? [...held] : [...new Set(String(asked).split(' '))];
  const allowed = coveredScopes(agent, coveredScopes(held, wanted));
  if (asked !== undefined && allowed.length < wanted.length) {
    throw new errors.InvalidScope('scopes can only be narrowed', String(asked));
  }
  return allowed;
}

/** RFC 8693 §4.1: the present actor outermost, the earlier ones inside it. */
function chained(earlier: unknown, actor: string): Record<string, unknown> {
  const sub = `agent:${actor}`;
  const chain = actorsOf(earlier);
  const before = chain[0] === sub ? chain.slice(1) : chain;
  if (before.length >= LIMITS.issuer.actorsMax) {
    throw new errors.InvalidRequest('too many agents have acted with this token');
  }
  return [sub, ...before].reduceRight<Record<string, unknown> | undefined>(
    (inner, actorSub) => ({ sub: actorSub, ...(inner !== undefined && { act: inner }) }),
    undefined,
  ) as Record<string, unknown>;
}

function actorsOf(act: unknown): string[] {
  const actors: string[] = [];
  for (let at = act; isObject(at) && actors.length <= LIMITS.issuer.actorsMax; at = at.act) {
    const sub = String(at.sub);
    actors.push(sub.startsWith('agent:') ? sub : `agent:${sub}`);
  }
  return actors;
}

function one(request: ExchangeRequest, name: keyof ExchangeRequest): string {
  const value = request[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new errors.InvalidRequest(`${name} is missing`);
}
