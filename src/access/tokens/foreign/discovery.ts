import { isObject } from '../../../kernel/json.ts';
import { type AskIssuer, IssuerAway, IssuerWrong } from './fetch-json.ts';

export interface IssuerMetadata {
  readonly jwksUri: string;
  /** Where it stood. */
  readonly url: string;
  /** Whether the issuer says that it takes PKCE with S256: MCP clients refuse one that does not. */
  readonly saysPkce: boolean;
  readonly dateMs: number;
}

const ISSUER = 'OAUTH_ISSUER must be, letter by letter, the issuer of its metadata and its tokens';

/**
 * Where an issuer's metadata may stand, in the order of MCP's authorization server discovery: RFC
 * 8414 §3 before the path, OpenID Connect Discovery before it, and after it.
 */
export function wellKnownOf(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(places)];
}

/**
 * The first document whose `issuer` is exactly ours: one that names another would be somebody
 * else's, whoever serves it (RFC 8414 §3.3).
 * @throws IssuerAway, IssuerWrong
 */
export async function discover(issuer: string, ask: AskIssuer): Promise<IssuerMetadata> {
  const failures: Error[] = [];
  for (const url of wellKnownOf(issuer)) {
    try {
      const { json, status, dateMs } = await ask(url);
      if (status === 200) return { ...metadataOf(json, issuer), url, dateMs };
      if (status >= 300 && status < 400) failures.push(new IssuerWrong('it redirects', ISSUER));
    } catch (error) {
      if (error instanceof IssuerAway && !error.answered) throw error;
      failures.push(error as Error);
    }
  }
  // Where one place answers "later", that one may be the right one.
  throw failures.find((failure) => failure instanceof IssuerAway) ?? failures[0] ?? nothingThere();
}

function nothingThere(): IssuerWrong {
  return new IssuerWrong('has no metadata (RFC 8414, OpenID Connect Discovery)', ISSUER);
}

function metadataOf(json: unknown, issuer: string): Pick<IssuerMetadata, 'jwksUri' | 'saysPkce'> {
  if (!isObject(json) || json.issuer !== issuer) {
    throw new IssuerWrong('has metadata of another issuer', ISSUER);
  }
  const { jwks_uri: jwksUri, code_challenge_methods_supported: methods } = json;
  if (typeof jwksUri !== 'string' || !mayFetch(jwksUri, issuer)) {
    const mend = 'its metadata must name a jwks_uri with https';
    throw new IssuerWrong('names no address of keys that may be asked', mend);
  }
  return { jwksUri, saysPkce: Array.isArray(methods) && methods.includes('S256') };
}

/** https; plain http only where the issuer itself is on loopback, and the keys as well. */
function mayFetch(address: string, issuer: string): boolean {
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (isLoopbackHttp(url) && isLoopbackHttp(new URL(issuer)));
}

function isLoopbackHttp({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
