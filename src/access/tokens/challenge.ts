import { DEFAULT_SCOPES, SCOPES } from '../../contract/scopes.ts';
import type { Fault } from '../../kernel/errors.ts';

export interface ProtectedResource {
  /** Before each scope at the issuer, where it wants that: `api://twin/` for Entra. */
  readonly scopePrefix?: string;
  /** Origin under which clients reach us. */
  readonly publicUrl: string;
  readonly authorizationServers: readonly string[];
}

export interface Challenges {
  /**
   * `WWW-Authenticate` of a 401 or 403 (RFC 6750 §3, RFC 9728 §5.1, RFC 9470 §3).
   * @param scopes all of the operation; the usual ones where it needs none, or it cannot be told
   */
  challenge(fault: Fault, tokenSent: boolean, scopes?: readonly string[]): string;
  /** The document at `/.well-known/oauth-protected-resource/mcp` (RFC 9728 §2). */
  metadata(): Record<string, unknown>;
}

const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

/** The audience of our tokens, and the resource identifier of RFC 8707. */
export function audienceOf(publicUrl: string): string {
  return `${publicUrl}/mcp`;
}

export function createChallenges(resource: ProtectedResource): Challenges {
  const { publicUrl, authorizationServers, scopePrefix = '' } = resource;
  const named = (scopes: readonly string[]) => scopes.map((scope) => scopePrefix + scope);
  const asked = (scopes: readonly string[]) => ['scope', named(scopes).join(' ')] as const;
  const where = ['resource_metadata', publicUrl + METADATA_PATH] as const;
  return {
    challenge(fault, tokenSent, scopes = []) {
      if (fault.code === 'INSUFFICIENT_SCOPE') {
        return bearer([['error', 'insufficient_scope'], asked(textsIn(fault, 'scopes')), where]);
      }
      if (fault.code === 'INSUFFICIENT_AUTHENTICATION') {
        return bearer([...stepUp(fault), where]);
      }
      const scope = asked(scopes.length > 0 ? scopes : DEFAULT_SCOPES);
      // RFC 6750 §3.1: a request without a token should not be told of an error in it.
      return bearer(tokenSent ? [['error', 'invalid_token'], scope, where] : [scope, where]);
    },
    metadata: () => ({
      resource: audienceOf(publicUrl),
      authorization_servers: [...authorizationServers],
      // Never `offline_access`: that is between the client and its issuer (MCP authorization).
      scopes_supported: named(SCOPES),
      bearer_methods_supported: ['header'],
      resource_name: 'Digital Twin MCP',
    }),
  };
}

type Parameter = readonly [string, string];

/** RFC 9470 §3: which login would do, and how long ago it may have been. */
function stepUp(fault: Fault): Parameter[] {
  const acrValues = textsIn(fault, 'acrValues').join(' ');
  const { maxAgeSeconds } = fault.data;
  return [
    ['error', 'insufficient_user_authentication'],
    ['error_description', fault.message],
    ...(acrValues === '' ? [] : [['acr_values', acrValues] as const]),
    ...(typeof maxAgeSeconds === 'number' ? [['max_age', String(maxAgeSeconds)] as const] : []),
  ];
}

function textsIn({ data }: Fault, name: string): string[] {
  const texts = data[name];
  return Array.isArray(texts)
    ? texts.filter((text): text is string => typeof text === 'string')
    : [];
}

/** RFC 9110 quoted strings; what could end one early is left out. */
function bearer(parameters: readonly Parameter[]): string {
  const shown = parameters.map(
    ([name, value]) => `${name}="${value.replace(/[^ -!#-[\]-~]/g, '')}"`,
  );
  return `Bearer ${shown.join(', ')}`;
}
