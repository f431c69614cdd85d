import { DEFAULT_SCOPES, SCOPES } from '../../contract/scopes.ts';
import type { Fault } from '../../kernel/errors.ts';

export interface ProtectedResource {
  /** Origin under which clients reach us. */
  readonly publicUrl: string;
  readonly authorizationServers: readonly string[];
}

export interface Challenges {
  /** `WWW-Authenticate` of a 401 or 403 (RFC 6750 §3, RFC 9728 §5.1). */
  challenge(fault: Fault, tokenSent: boolean): string;
  /** The document at `/.well-known/oauth-protected-resource/mcp` (RFC 9728 §2). */
  metadata(): Record<string, unknown>;
}

const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

/** The audience of our tokens, and the resource identifier of RFC 8707. */
export function audienceOf(publicUrl: string): string {
  return `${publicUrl}/mcp`;
}

export function createChallenges(resource: ProtectedResource): Challenges {
  const { publicUrl, authorizationServers } = resource;
  const where = ['resource_metadata', publicUrl + METADATA_PATH] as const;
  return {
    challenge(fault, tokenSent) {
      if (fault.code === 'INSUFFICIENT_SCOPE') {
        const scope = scopesIn(fault).join(' ');
        return bearer([['error', 'insufficient_scope'], ['scope', scope], where]);
      }
      const scope = ['scope', DEFAULT_SCOPES.join(' ')] as const;
      // RFC 6750 §3.1: a request without a token should not be told of an error in it.
      return bearer(tokenSent ? [['error', 'invalid_token'], scope, where] : [scope, where]);
    },
    metadata: () => ({
      resource: audienceOf(publicUrl),
      authorization_servers: [...authorizationServers],
      // Never `offline_access`: that is between the client and its issuer (MCP authorization).
      scopes_supported: [...SCOPES],
      bearer_methods_supported: ['header'],
      resource_name: 'Digital Twin MCP',
    }),
  };
}

function scopesIn({ data }: Fault): string[] {
  const scopes = Array.isArray(data.scopes) ? data.scopes : [];
  return scopes.filter((scope): scope is string => typeof scope === 'string');
}

/** RFC 9110 quoted strings; what could end one early is left out. */
function bearer(parameters: readonly (readonly [string, string])[]): string {
  const shown = parameters.map(
    ([name, value]) => `${name}="${value.replace(/[^ -!#-[\]-~]/g, '')}"`,
  );
  return `Bearer ${shown.join(', ')}`;
}
