import { EventEmitter } from 'node:events';
import type { JWK } from 'jose';
import {
  type Configuration,
  errors,
  type Grant,
  type KoaContextWithOIDC,
  Provider,
  type ResourceServer,
} from 'oidc-provider';
import { SCOPES } from '../../contract/scopes.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Resolve } from '../../kernel/public-address.ts';
import { createRate } from '../../kernel/rate.ts';
import { PURPOSES } from '../tokens/purposes.ts';
import { storeAdapter } from './adapter.ts';
import { fetchDocument, refusalOfUrl, refusedFor } from './client-documents.ts';
import { reducedMetadata } from './client-metadata.ts';
import { holdOwnPages, scopesOfClient } from './own-pages.ts';
import { STEP_UP, stepUpPolicy } from './policy.ts';
import { isSecretOf, type RegisteredClients } from './registered-clients.ts';
import type { IssuerStore } from './store.ts';
import { ACR } from './words.ts';

export const PATHS = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  registration: '/oauth/register',
  revocation: '/oauth/revoke',
  jwks: '/oauth/jwks',
  interaction: '/oauth/interaction',
} as const;

export interface ProviderParts {
  readonly issuer: string;
  readonly audience: string;
  readonly key: JWK & { readonly kid: string };
  /** Keys of cookies: ours alone, the same after a restart. */
  readonly cookieKey: string;
  readonly store: IssuerStore;
  readonly clients: RegisteredClients;
  readonly loopbackClients: boolean;
  readonly resolve?: Resolve | undefined;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
  readonly customize: NonNullable<
    NonNullable<NonNullable<Configuration['formats']>['customizers']>['jwt']
  >;
  readonly renderError: NonNullable<Configuration['renderError']>;
}

/** The library, set up as OAuth 2.1 asks: code with S256 alone, rotation, one audience, no more. */
export function createProvider(parts: ProviderParts): Provider {
  const { issuer, report } = parts;
  const provider = new Provider(issuer, {
    ...identity(parts),
    ...lives(),
    adapter: storeAdapter(parts.store, parts.clients, issuer),
    features: features(parts),
    interactions: {
      policy: stepUpPolicy(),
      url: (_ctx, { uid }) => `${PATHS.interaction}/${uid}`,
    },
    extraParams: {
      [STEP_UP.acr]: null,
      [STEP_UP.maxAge]: requireSeconds,
      purpose_of_use: requirePurpose,
    },
    loadExistingGrant: (ctx) => existingGrant(ctx, parts),
    renderError: parts.renderError,
    fetch: documentFetch(parts),
    fetchResponseBodyLimits: { 'client_id metadata document': LIMITS.issuer.documentBytesMax },
  });
  // What the store keeps of a registered client's secret is its hash.
  provider.Client.prototype.compareClientSecret = function (actual: string) {
    return this.clientSecret !== undefined && isSecretOf(this.clientSecret, actual);
  };
  holdOwnPages(provider);
  provider.proxy = true;
  provider.on('server_error', (_ctx, error) => report(error));
  // Koa writes to the console where nobody listens; the types of the library do not know the event.
  EventEmitter.prototype.on.call(provider, 'error', report);
  return provider;
}

function identity({ key, cookieKey, issuer, customize }: ProviderParts): Configuration {
  const url = new URL(issuer);
  // Cookies know no ports: two servers of one machine would take each other's.
  const suffix = url.port === '' ? '' : `_${url.port}`;
  const options = { httpOnly: true, sameSite: 'lax', signed: true } as const;
  return {
    jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256' }] },
    cookies: {
      keys: [cookieKey],
      names: {
        session: `twin_session${suffix}`,
        interaction: `twin_login${suffix}`,
        resume: `twin_resume${suffix}`,
      },
      long: { ...options, path: '/oauth' },
      short: options,
    },
    routes: {
      authorization: PATHS.authorization,
      token: PATHS.token,
      registration: PATHS.registration,
      revocation: PATHS.revocation,
      jwks: PATHS.jwks,
      end_session: '/oauth/session/end',
    },
    responseTypes: ['code'],
    scopes: [],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    clientDefaults: {
      id_token_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    clockTolerance: LIMITS.clockSkewSeconds,
    clientBasedCORS: () => true,
    findAccount: async (_ctx, accountId) => ({
      accountId,
      claims: async () => ({ sub: accountId }),
    }),
    formats: { customizers: { jwt: customize } },
  };
}

function lives(): Pick<Configuration, 'ttl'> {
  const { grantSeconds, sessionSeconds, interactionSeconds } = LIMITS.issuer;
  return {
    ttl: {
      AccessToken: () => LIMITS.tokenLifeMaxSeconds,
      ClientCredentials: () => LIMITS.tokenLifeMaxSeconds,
      AuthorizationCode: () => 60,
      Grant: () => grantSeconds,
      Interaction: () => interactionSeconds,
      Session: () => sessionSeconds,
      // Rotation does not make it live longer: 14 days after the person was asked they are asked again.
      RefreshToken: (ctx) => ctx.oidc.entities.RotatedRefreshToken?.remainingTTL ?? grantSeconds,
      IdToken: () => LIMITS.tokenLifeMaxSeconds,
    },
  };
}

function features(parts: ProviderParts): NonNullable<Configuration['features']> {
  const { audience, clients, loopbackClients, clock } = parts;
  const perMinute = (count: number) => createRate(clock, { perSecond: count / 60, burst: count });
  const documents = perMinute(LIMITS.issuer.documentsPerMinute);
  return {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: {
      enabled: true,
      allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
    },
    registration: { enabled: true, issueRegistrationAccessToken: false },
    clientIdMetadataDocument: {
      enabled: true,
      ack: 'draft-02',
      allowFetch: (_ctx, id) => {
        const refusal = refusalOfUrl(id, loopbackClients);
        if (refusal !== undefined) throw refusedDocument(refusal);
        return documents.take('all');
      },
      allowClient: () => true,
      cacheDuration: { min: 60, max: 3_600 },
    },
    resourceIndicators: {
      enabled: true,
      // RFC 8707: clients of before it name no resource, and there is but one.
      defaultResource: async () => audience,
      useGrantedResource: async () => true,
      getResourceServerInfo: async (_ctx, resource, client): Promise<ResourceServer> => {
        if (resource !== audience)
          throw new errors.InvalidTarget('tokens are for this server alone');
        return {
          scope: (scopesOfClient(client.clientId, clients) ?? SCOPES).join(' '),
          audience,
          accessTokenTTL: LIMITS.tokenLifeMaxSeconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256', kid: parts.key.kid } },
        } as unknown as ResourceServer;
      },
    },
  };
}

/**
 * What a person allowed this client before, for this purpose and after such a login, as a grant of
 * this request's own: what ends it leaves the same client on another machine alone. It lasts no longer
 * than what it repeats.
 */
async function existingGrant(
  ctx: KoaContextWithOIDC,
  { store, audience }: ProviderParts,
): Promise<Grant | undefined> {
  const { client, session, params, result, provider } = ctx.oidc;
  const decided = result?.consent?.grantId;
  if (decided !== undefined) return await provider.Grant.find(decided);
  if (client === undefined || session?.accountId === undefined) return undefined;
  const { clientId } = client;
  const { accountId, acr = ACR.demo } = session;
  const of = { accountId, clientId, purpose: String(params?.purpose_of_use ?? ''), acr };
  const before = store.grantOf(of);
  const given = before === undefined ? undefined : await provider.Grant.find(before);
  if (given === undefined) return undefined;
  const { exp } = given as unknown as { exp: number };
  const repeated = new provider.Grant({ accountId, clientId, exp } as never);
  // What was not allowed then may be asked for again.
  repeated.addResourceScope(audience, given.getResourceScope(audience));
  store.remember({ grantId: await repeated.save(), ...of });
  return repeated;
}

/** The one way out of this server: a client's document, guarded, and reduced to what is used of it. */
function documentFetch({
  loopbackClients,
  resolve,
}: ProviderParts): NonNullable<Configuration['fetch']> {
  return async (url) => {
    const id = String(url);
    const options = { loopback: loopbackClients, ...(resolve && { resolve }) };
    const said = jsonOf(await fetchDocument(id, options));
    const { client_id, token_endpoint_auth_method: method = 'none' } = isObject(said) ? said : {};
    if (method !== 'none') throw refusedFor('is of no public client');
    return Response.json({ client_id, ...reducedMetadata(said) });
  };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw refusedFor('is no JSON');
  }
}

/** Its page says the rule (`refusalPage`): whoever develops the client is who reads it. */
function refusedDocument(rule: string): errors.InvalidClient {
  return Object.assign(new errors.InvalidClient('client_id refused'), { cause: refusedFor(rule) });
}

function requirePurpose(_ctx: KoaContextWithOIDC, value: string | undefined): void {
  if (value === undefined || PURPOSES.has(value)) return;
  throw new errors.InvalidRequest('purpose_of_use must be a v3-PurposeOfUse code');
}

function requireSeconds(_ctx: KoaContextWithOIDC, value: string | undefined): void {
  if (value === undefined || /^\d{1,9}$/.test(value)) return;
  throw new errors.InvalidRequest('max_age must be a number of seconds');
}
