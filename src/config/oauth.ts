import type { ClaimNames, OAuthProfile } from '../contract/tokens.ts';
import type { ConfigInput, ConfigProblem, Values } from './collect.ts';

/** A company's issuer of tokens. */
export interface OAuthSettings {
  /** Exactly as the issuer writes it. */
  readonly issuer: string;
  /** `undefined`: `PUBLIC_URL` + `/mcp`. */
  readonly audience: string | undefined;
  readonly profile: OAuthProfile;
  readonly claims: ClaimNames;
  readonly scopePrefix: string;
  /** By which people log in to our own pages; `undefined`: they have none. */
  readonly pagesClientId: string | undefined;
}

/** @param problems is added to: settings that need the issuer, and production without one */
export function oauthOf(
  values: Values,
  { env }: Pick<ConfigInput, 'env'>,
  problems: ConfigProblem[],
): OAuthSettings | undefined {
  const { OAUTH_ISSUER: issuer, OAUTH_AUDIENCE: audience, OAUTH_PROFILE: profile } = values;
  const { OAUTH_CLAIMS: claims, OAUTH_SCOPE_PREFIX: prefix } = values;
  const { OAUTH_PAGES_CLIENT_ID: pagesClientId } = values;
  const problem = (setting: string, mend: string): void => void problems.push({ setting, mend });
  // The SDK reads it and would take an issuer without TLS.
  if (values.NODE_ENV === 'production' && (env[INSECURE] ?? '') !== '') {
    problem(INSECURE, 'must not be set with NODE_ENV=production');
  }
  if (issuer === undefined) {
    if (problems.some(({ setting }) => setting.includes('OAUTH_ISSUER'))) return undefined;
    if (values.NODE_ENV === 'production') problem('OAUTH_ISSUER', NEEDED);
    const given = { OAUTH_AUDIENCE: audience, OAUTH_PROFILE: profile, OAUTH_CLAIMS: claims };
    const more = { OAUTH_SCOPE_PREFIX: prefix, OAUTH_PAGES_CLIENT_ID: pagesClientId };
    for (const [name, value] of Object.entries({ ...given, ...more })) {
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
    pagesClientId,
  };
}

const INSECURE = 'MCP_DANGEROUSLY_ALLOW_INSECURE_ISSUER_URL';
const NEEDED =
  'must be set with NODE_ENV=production: who may read is said by tokens of your issuer, and the ' +
  'development issuer runs nowhere else (docs/oauth.md)';
