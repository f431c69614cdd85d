import { hkdfSync } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { importJWK, type JWK, SignJWT } from 'jose';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { ErrorCode } from '../../contract/errors.ts';
import { SCOPES } from '../../contract/scopes.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asFault, Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Resolve } from '../../kernel/public-address.ts';
import { createRate } from '../../kernel/rate.ts';
import type { Audit, Relations } from '../../twin/ports.ts';
import { jsonPart } from '../tokens/header.ts';
import type { Verifier } from '../tokens/verifier.ts';
import { reducedMetadata } from './client-metadata.ts';
import { customizer } from './custom-claims.ts';
import { ACCESS_TOKEN, EXCHANGE_PARAMETERS, exchange } from './exchange.ts';
import { createInteractions, sendRefusal } from './interactions.ts';
import { createLoginCodes, type LoginCode } from './login-codes.ts';
import { createProvider, PATHS } from './provider.ts';
import { openRegisteredClients, type RegisteredClients } from './registered-clients.ts';
import { authorizationQuery, seenAs } from './requests.ts';
import { type IssuerStore, openIssuerStore } from './store.ts';
import { ACR, TOKEN_EXCHANGE } from './words.ts';

export interface IssuerOptions {
  /** The issuer of `tokens/dev-issuer.ts`: one name and one key for both. */
  readonly issuer: string;
  readonly audience: string;
  readonly key: JWK & { readonly kid: string };
  readonly dataDir: string;
  readonly verifier: Pick<Verifier, 'verify' | 'revoke'>;
  readonly relations: Pick<Relations, 'write' | 'list'>;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly settings: IssuerSettings;
  readonly report: (error: unknown) => void;
  readonly resolve?: Resolve;
}

export interface IssuerSettings {
  /** The demo's people and its agent. */
  readonly demo: boolean;
  /** Whether nobody beyond this machine can reach the listener. */
  readonly onLoopback: boolean;
  /** `OAUTH_LOOPBACK_CLIENTS` */
  readonly loopbackClients: boolean;
  /** What prints a login code, for the page. */
  readonly loginCommand: string;
}

/** A request below `/oauth/`, its body already read within `bodyBytesMax`. */
export interface IssuerExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly body: Buffer | undefined;
  readonly correlationId: string;
}

/** The authorization server for development (docs/authorization-server.md). */
export interface EmbeddedIssuer {
  /** RFC 8414 metadata. */
  metadata(): Record<string, unknown>;
  /** @throws Fault; what OAuth has an error for is answered. */
  handle(exchange: IssuerExchange): Promise<void>;
  /** @throws Fault INVALID_ARGUMENT, RATE_LIMITED */
  loginCode(request: Readonly<Record<string, unknown>>): LoginCode;
  /**
   * Ends what people of a tenant allowed a client: grants, codes, refresh tokens, and access tokens
   * with what was exchanged for them; an agent of that tenant loses its own as well.
   * @returns how many grants
   */
  suspended(tenant: string, clientId: string): number;
  readonly demoAgent: RegisteredClients['demo'];
  close(): void;
}

const SWEEP_MS = 60_000;

export function createIssuer(options: IssuerOptions): EmbeddedIssuer {
  const { issuer, dataDir, clock, report, settings, verifier, audit } = options;
  const onRevoked = (tokenId: string, expiresAt: number): void =>
    verifier.revoke(tokenId, expiresAt * 1000);
  const store = openIssuerStore({ dataDir, clock, onRevoked });
  const clients = openRegisteredClients(dataDir, settings.demo, report);
  const codes = createLoginCodes(clock);
  const now = (): number => Math.floor(clock.now() / 1000);
  const provider = createProvider({
    ...options,
    ...{ store, clients, loopbackClients: settings.loopbackClients, clock },
    cookieKey: derived(options, 'cookies').toString('base64url'),
    customize: customizer({ store, clients, audit }),
    renderError: (ctx, out, error) => {
      const why = error.cause instanceof Fault ? error.cause.message : out.error_description;
      refusalPage(ctx, String(out.error), why);
    },
  });
  registerExchange(provider, { ...options, store, clients, now });
  const interactions = createInteractions({
    ...options,
    ...{ provider, store, clients, codes, now },
    csrfKey: derived(options, 'forms'),
    demoLogin: settings.demo && settings.onLoopback,
    loginCommand: settings.loginCommand,
  });
  const callback = provider.callback();
  const perMinute = LIMITS.issuer.registrationsPerMinute;
  const registrations = createRate(clock, { perSecond: perMinute / 60, burst: perMinute });
  async function byLibrary(exchange: IssuerExchange, url: URL): Promise<void> {
    const { res } = exchange;
    // So that the library, which would say `*`, leaves CORS to the listener.
    if (!res.hasHeader('access-control-allow-origin')) {
      res.setHeader('access-control-expose-headers', 'Correlation-Id');
    }
    if (url.pathname === PATHS.registration && !registrations.take('all')) {
      throw new Fault('RATE_LIMITED', { detail: 'Too many clients register at once.' });
    }
    await callback(await adapted(exchange, url, options), res);
  }
  let timer = clock.after(SWEEP_MS, sweep);
  function sweep(): void {
    try {
      store.sweep();
    } catch (error) {
      report(error);
    }
    timer = clock.after(SWEEP_MS, sweep);
  }
  return {
    metadata: () => metadataOf(issuer),
    async handle(exchange) {
      const { req, res } = exchange;
      const url = new URL(req.url ?? '', issuer);
      if (url.pathname.startsWith(`${PATHS.interaction}/`)) {
        const path = url.pathname.slice(PATHS.interaction.length + 1);
        const seen = { ...exchange, req: seenAs(req, { issuer }), path };
        return await interactions(seen).catch((error: unknown) => pageOf(res, error));
      }
      try {
        await byLibrary(exchange, url);
      } catch (error) {
        answerFault(res, url.pathname, asFault(error));
      }
    },
    loginCode: (request) => codes.make(request),
    suspended(tenant, clientId) {
      const isOwn = clients.get(clientId)?.tenant === tenant;
      return store.revokeGrants(isOwn ? { clientId } : { clientId, tenant });
    },
    demoAgent: clients.demo,
    close() {
      timer.cancel();
      store.close();
    },
  };
}

/** What the library gets to see of a request. */
async function adapted(
  { req, body }: IssuerExchange,
  url: URL,
  { issuer, verifier }: IssuerOptions,
): Promise<IncomingMessage> {
  if (url.pathname === PATHS.authorization) {
    const path = `${url.pathname}?${authorizationQuery(url.searchParams)}`;
    return seenAs(req, { issuer, url: path });
  }
  if (body === undefined) return seenAs(req, { issuer });
  if (url.pathname === PATHS.registration) {
    return seenAs(req, { issuer, body: Buffer.from(JSON.stringify(registrationOf(body))) });
  }
  const revocation = url.pathname === PATHS.revocation;
  return seenAs(req, { issuer, body: revocation ? await revocationOf(body, verifier) : body });
}

function registrationOf(body: Buffer): unknown {
  try {
    return reducedMetadata(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw error instanceof Fault ? error : new Fault('INVALID_REQUEST', { cause: error });
  }
}

/**
 * An access token is named to the library by its `jti`, since it keeps no JSON Web Tokens. One that
 * does not verify, for whatever reason, is ended already (RFC 7009 §2.2).
 */
async function revocationOf(body: Buffer, verifier: Pick<Verifier, 'verify'>): Promise<Buffer> {
  const form = new URLSearchParams(body.toString('utf8'));
  const token = form.get('token') ?? '';
  if (token.split('.').length !== 3) return body;
  const tokenId = await verifier.verify(token).then(
    (principal) => principal.tokenId,
    () => 'ended',
  );
  form.set('token', tokenId);
  return Buffer.from(form.toString());
}

interface ExchangeWiring extends IssuerOptions {
  readonly store: IssuerStore;
  readonly clients: RegisteredClients;
  readonly now: () => number;
}

function registerExchange(provider: Provider, wiring: ExchangeWiring): void {
  const { issuer, audience, verifier, store, clients, audit, key, now } = wiring;
  const parts = {
    ...{ issuer, audience, now },
    verify: (token: string) => verifier.verify(token),
    claimsOf: (token: string) => jsonPart(token, 1) ?? {},
  };
  const handler = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { params = {}, client } = ctx.oidc;
    const clientId = client?.clientId ?? '';
    const made = await exchange(params, clients.get(clientId), parts);
    const { claims, scopes, parentId } = made;
    const tokenId = randomId();
    const token = await new SignJWT({ ...claims, jti: tokenId })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })
      .sign(await importJWK(key, 'ES256'));
    const { iat, exp } = claims;
    const payload = { kind: 'AccessToken', jti: tokenId, clientId, iat, exp };
    const grantId = store.tokens.grantOf(parentId);
    store.tokens.add({ tokenId, clientId, grantId, parentId, expiresAt: exp, payload });
    await audit.append({
      action: 'token',
      outcome: 'success',
      correlationId: randomId(),
      what: [{ uri: String(claims.sub) }],
      why: `exchange by ${clientId} for ${parentId}: ${tokenId}`,
    });
    ctx.body = {
      access_token: token,
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: exp - iat,
      scope: scopes.join(' '),
    };
  };
  const lists = ['audience', 'resource'];
  provider.registerGrantType(TOKEN_EXCHANGE, handler, [...EXCHANGE_PARAMETERS], lists);
}

/** RFC 8414 §2, as far as it is true of this server. */
function metadataOf(issuer: string): Record<string, unknown> {
  const at = (path: string): string => issuer + path;
  const methods = ['none', 'client_secret_basic', 'client_secret_post'];
  return {
    issuer,
    authorization_endpoint: at(PATHS.authorization),
    token_endpoint: at(PATHS.token),
    registration_endpoint: at(PATHS.registration),
    revocation_endpoint: at(PATHS.revocation),
    jwks_uri: at(PATHS.jwks),
    scopes_supported: [...SCOPES],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      TOKEN_EXCHANGE,
    ],
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
    acr_values_supported: Object.values(ACR),
  };
}

function derived({ key }: IssuerOptions, purpose: string): Buffer {
  const { d } = key;
  if (d === undefined) throw new Error('the key of the issuer has no private part');
  const secret = Buffer.from(d, 'base64url');
  return Buffer.from(hkdfSync('sha256', secret, '', `digital-twin issuer ${purpose}`, 32));
}

/** Our page in place of the library's; koa answers nothing more. */
function refusalPage(ctx: KoaContextWithOIDC, error: string, says: string | undefined): void {
  ctx.respond = false;
  sendRefusal(ctx.res, ctx.status, error, says ?? 'The request could not be used.');
}

/** OAuth's words for what we refuse before the library does (RFC 6749 §5.2, RFC 7591 §3.2.2). */
function answerFault(res: ServerResponse, path: string, fault: Fault): void {
  if (res.headersSent || fault.row.http >= 500) throw fault;
  const known: Readonly<Partial<Record<ErrorCode, string>>> = {
    RATE_LIMITED: 'temporarily_unavailable',
    ...(path === PATHS.registration && { INVALID_ARGUMENT: 'invalid_client_metadata' }),
  };
  const error = known[fault.code] ?? 'invalid_request';
  const text = JSON.stringify({ error, error_description: fault.message });
  res.writeHead(fault.row.http, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(fault.code === 'RATE_LIMITED' && { 'retry-after': '1' }),
  });
  res.end(text);
}

/** A browser is shown a page, whatever went wrong; our own faults go to the log as ever. */
function pageOf(res: ServerResponse, error: unknown): void {
  const known = error instanceof errors.OIDCProviderError;
  const fault = asFault(error);
  if (res.headersSent || (!known && fault.row.http >= 500)) throw fault;
  if (known) {
    const says = error.error_description ?? error.message;
    sendRefusal(res, error.statusCode, error.error, says);
  } else sendRefusal(res, fault.row.http, fault.code, fault.message);
}
