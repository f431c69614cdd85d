import type { Provider } from 'oidc-provider';
import { PAGES, PAGES_CLIENT } from '../../contract/pages.ts';
import type { RegisteredClients } from './registered-clients.ts';

/**
 * The server's own pages as a public client: a code by PKCE, back to its own addresses alone, and no
 * refresh token, since a page keeps nothing.
 */
export function ownPages(issuer: string): Record<string, unknown> {
  return {
    client_id: PAGES_CLIENT,
    client_name: 'Digital Twin MCP',
    token_endpoint_auth_method: 'none',
    redirect_uris: Object.values(PAGES).map(({ path }) => issuer + path),
    // What the library asks for a redirect to http on loopback.
    application_type: issuer.startsWith('http:') ? 'native' : 'web',
    response_types: ['code'],
    grant_types: ['authorization_code'],
  };
}

/** What a client may ever be given, where that is less than all there is. */
export function scopesOfClient(
  clientId: string,
  clients: Pick<RegisteredClients, 'get'>,
): readonly string[] | undefined {
  if (clientId === PAGES_CLIENT) return Object.values(PAGES).flatMap(({ scopes }) => [...scopes]);
  return clients.get(clientId)?.scopes;
}

/**
 * A native client may use any port of loopback (RFC 8252 §7.3). Our pages have one address: another
 * program of this machine shall not be shown to a person as this server.
 */
export function holdOwnPages(provider: Provider): void {
  const { prototype } = provider.Client;
  const allowed = prototype.redirectUriAllowed;
  prototype.redirectUriAllowed = function (uri: string) {
    if (this.clientId === PAGES_CLIENT) return this.redirectUris?.includes(uri) === true;
    return allowed.call(this, uri);
  };
}
