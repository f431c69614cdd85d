import {
  type ClaimNames,
  MAPPED_CLAIMS,
  type MappedClaim,
  type OAuthProfile,
} from '../contract/tokens.ts';
import type { ConfigInput, ConfigProblem, Values } from './collect.ts';
import { Wrong } from './parsers.ts';

/** A company's issuer of tokens. */
export interface OAuthSettings {
  /** Exactly as the issuer writes it. */
  readonly issuer: string;
  /** `undefined`: `PUBLIC_URL` + `/mcp`. */
  readonly audience: string | undefined;
  readonly profile: OAuthProfile;
  readonly claims: ClaimNames;
  readonly scopePrefix: string;
}

const ISSUER_CHARS_MAX = 512;

/** RFC 8414 §2: https without query and fragment. Plain http on loopback alone. */
export function oauthIssuer(text: string): string {
  const url = text.length <= ISSUER_CHARS_MAX ? URL.parse(text) : null;
  const isExact = url !== null && (url.href === text || url.href === `${text}/`);
  const isPlain =
    url !== null && [url.username, url.password, url.search, url.hash].join('') === '';
  const isSafe = url !== null && (url.protocol === 'https:' || isLoopbackHttp(url));
  if (isExact && isPlain && isSafe) return text;
  throw new Wrong(
    'must be the https address of the issuer, exactly as its metadata and tokens write it, such as ' +
      'https://login.example.org/realms/acme (http on loopback alone)',
  );
}

function isLoopbackHttp({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

export function oauthAudience(text: string): string {
  if (/^[\x21-\x7e]{1,512}$/.test(text)) return text;
  throw new Wrong('must be the one audience of our tokens: 1 to 512 printable characters');
}

/** What stands before our scopes at the issuer; without quotes or spaces (RFC 6749 §3.3). */
export function oauthScopePrefix(text: string): string {
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(text)) return text;
  throw new Wrong('must be what stands before each scope at the issuer, such as api://twin/');
}

/** `tenant=org,purpose_of_use=https://acme.example/purpose`: our names to the issuer's. */
export function oauthClaims(text: string): ClaimNames {
  const names = new Map<MappedClaim, string>();
  for (const pair of text.split(',')) {
    const [ours = '', theirs = ''] = pair.trim().split(/=(.*)/s);
    const claim = MAPPED_CLAIMS.find((known) => known === ours);
    if (claim === undefined || names.has(claim) || !/^[\x21-\x7e]{1,256}$/.test(theirs)) {
      throw new Wrong(
        `must be name=claim pairs with commas, each name once, of ${MAPPED_CLAIMS.join(', ')}`,
      );
    }
    names.set(claim, theirs);
  }
  return Object.fromEntries(names);
}

/** @param problems is added to: settings that need the issuer, and production without one */
export function oauthOf(
  values: Values,
  { env }: Pick<ConfigInput, 'env'>,
  problems: ConfigProblem[],
): OAuthSettings | undefined {
  const { OAUTH_ISSUER: issuer, OAUTH_AUDIENCE: audience, OAUTH_PROFILE: profile } = values;
  const { OAUTH_CLAIMS: claims, OAUTH_SCOPE_PREFIX: prefix } = values;
  const problem = (setting: string, mend: string): void => void problems.push({ setting, mend });
  // The SDK reads it and would take an issuer without TLS.
  if (values.NODE_ENV === 'production' && (env[INSECURE] ?? '') !== '') {
    problem(INSECURE, 'must not be set with NODE_ENV=production');
  }
  if (issuer === undefined) {
    if (problems.some(({ setting }) => setting.includes('OAUTH_ISSUER'))) return undefined;
    if (values.NODE_ENV === 'production') problem('OAUTH_ISSUER', NEEDED);
    const given = { OAUTH_AUDIENCE: audience, OAUTH_PROFILE: profile, OAUTH_CLAIMS: claims };
    for (const [name, value] of Object.entries({ ...given, OAUTH_SCOPE_PREFIX: prefix })) {
      if (value !== undefined) problem(name, 'needs OAUTH_ISSUER');
    }
    return undefined;
  }
  return {
    issuer,
    audience,
    profile: profile ?? 'rfc9068',
    claims: claims ?? {},
    scopePrefix: prefix ?? '',
  };
}

const INSECURE = 'MCP_DANGEROUSLY_ALLOW_INSECURE_ISSUER_URL';
const NEEDED =
  'must be set with NODE_ENV=production: who may read is said by tokens of your issuer, and the ' +
  'development issuer runs nowhere else (docs/oauth.md)';
