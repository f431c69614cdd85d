import type {
  AccessToken,
  ClientCredentials,
  JWTStructured,
  KoaContextWithOIDC,
} from 'oidc-provider';
import { errors } from 'oidc-provider';
import { randomId } from '../../kernel/ids.ts';
import type { Audit } from '../../twin/ports.ts';
import { accountOf } from './accounts.ts';
import type { RegisteredClient, RegisteredClients } from './registered-clients.ts';
import type { IssuerStore } from './store.ts';

export interface ClaimParts {
  readonly store: IssuerStore;
  readonly clients: RegisteredClients;
  readonly audit: Audit;
}

/**
 * The contract's claims, in place of what the library says of a token. It is on record, and can be
 * taken back, before it is handed out.
 */
export function customizer({ store, clients, audit }: ClaimParts) {
  return async (
    ctx: KoaContextWithOIDC,
    token: AccessToken | ClientCredentials,
    jwt: JWTStructured,
  ): Promise<void> => {
    const clientId = token.clientId ?? '';
    const registered = clients.get(clientId);
    const own =
      token.kind === 'AccessToken'
        ? personClaims(ctx, token as AccessToken, store, registered)
        : agentClaims(registered);
    Reflect.deleteProperty(jwt.payload, 'authorization_details');
    Object.assign(jwt.payload, own);
    const { jti: tokenId, iat, exp } = jwt.payload as { jti: string; iat: number; exp: number };
    const grantId = 'grantId' in token ? token.grantId : undefined;
    const payload = { kind: token.kind, jti: tokenId, clientId, grantId, iat, exp };
    store.tokens.add({ tokenId, clientId, grantId, expiresAt: exp, payload });
    await audit.append({
      action: 'token',
      outcome: 'success',
      correlationId: randomId(),
      what: [{ uri: String(own.sub) }],
      why: `${String(ctx.oidc.params?.grant_type)} by ${clientId}: ${tokenId}`,
    });
  };
}

/** A person's token. An agent that logs a person in acts for them; any other client is their tool. */
function personClaims(
  ctx: KoaContextWithOIDC,
  token: AccessToken,
  store: IssuerStore,
  registered: RegisteredClient | undefined,
): Record<string, unknown> {
  const { subject, tenant } = accountOf(token.accountId);
  const consent = token.grantId === undefined ? undefined : store.consent(token.grantId);
  if (consent === undefined) throw new errors.InvalidGrant('what the person allowed is gone');
  const { RefreshToken: refresh, AuthorizationCode: code } = ctx.oidc.entities;
  const authTime = refresh?.authTime ?? code?.authTime;
  const purpose = consent.purpose === '' ? registered?.purpose : consent.purpose;
  return {
    sub: subject,
    tenant,
    acr: consent.acr,
    ...(authTime !== undefined && { auth_time: authTime }),
    ...(purpose !== undefined && { purpose_of_use: purpose }),
    ...(registered?.agent === true && { act: { sub: `agent:${registered.id}` } }),
    ...(registered?.mayAct !== undefined && { may_act: { sub: `agent:${registered.mayAct}` } }),
  };
}

/** An agent without a person: it sees nothing of a member (security.md §6, 33). */
function agentClaims(registered: RegisteredClient | undefined): Record<string, unknown> {
  if (registered?.agent !== true)
    throw new errors.InvalidClient('only agents come without a person');
  const { id, tenant, purpose } = registered;
  return {
    sub: `agent:${id}`,
    tenant,
    ...(purpose !== undefined && { purpose_of_use: purpose }),
  };
}
