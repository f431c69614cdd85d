import type { ClaimNames, OAuthProfile } from '../../contract/tokens.ts';
import { LIMITS } from '../../kernel/limits.ts';

export type Claims = Readonly<Record<string, unknown>>;

/**
 * How one kind of issuer makes access tokens, where that differs from RFC 9068. Whatever stands
 * here is a rule that is knowingly relaxed; everything else holds for every profile
 * (docs/oauth.md has the same as a table).
 */
export interface Profile {
  readonly name: OAuthProfile;
  /** Media types of the header; `undefined` where `typ` may be left out. */
  readonly types: readonly (string | undefined)[];
  readonly names: ClaimNames;
  /** `list`: an array of scopes rather than one text. */
  readonly scopes: 'text' | 'list';
  /** An audience that may stand beside ours. */
  readonly besides?: (issuer: string) => string;
  /** The issuer may leave the token's id out; the token's hash serves then. */
  readonly mayLackId?: true;
  /** Longest `exp` - `iat`; the token ends for us an hour after `iat` all the same. */
  readonly lifeSecondsMax: number;
  /** What tells an access token from an ID token, where `typ` does not. */
  readonly accessToken?: { readonly rule: string; readonly is: (claims: Claims) => boolean };
  /** Whether a client got this token for itself, without a person. */
  readonly isMachine: (claims: Claims) => boolean;
}

const HOUR = LIMITS.tokenLifeMaxSeconds;
const JWT = ['JWT', 'at+jwt'] as const;

/** RFC 9068 §2.2: without a resource owner, `sub` is the client. */
const ownClient =
  (client: string) =>
  (claims: Claims): boolean =>
    claims.sub !== undefined && claims.sub === claims[client];

/** OpenID Connect Core §2, §3.3.2.11: what only ID tokens hold. */
const noIdToken = {
  rule: 'no ID token (nonce, at_hash, c_hash)',
  is: (claims: Claims) => !['nonce', 'at_hash', 'c_hash'].some((name) => name in claims),
};

export const PROFILES: Readonly<Record<OAuthProfile, Profile>> = {
  rfc9068: {
    name: 'rfc9068',
    types: ['at+jwt'],
    names: {},
    scopes: 'text',
    lifeSecondsMax: HOUR,
    isMachine: ownClient('client_id'),
  },
  auth0: {
    name: 'auth0',
    types: JWT,
    names: { client_id: 'azp' },
    scopes: 'text',
    // A token for which `openid` was asked too is also for the issuer's user info.
    besides: (issuer) => `${issuer.replace(/\/$/, '')}/userinfo`,
    mayLackId: true,
    lifeSecondsMax: HOUR,
    accessToken: noIdToken,
    isMachine: ({ gty, sub, azp }) => gty === 'client-credentials' || sub === `${azp}@clients`,
  },
  entra: {
    name: 'entra',
    types: ['JWT'],
    // `sub` is another one for each application; `oid` is the person of the directory.
    names: { sub: 'oid', client_id: 'azp', jti: 'uti', scope: 'scp', tenant: 'tid' },
    scopes: 'text',
    // 60 to 90 minutes by default, and `iat` is five minutes early.
    lifeSecondsMax: 2 * HOUR,
    accessToken: {
      rule: 'ver 2.0 and no ID token (nonce, at_hash, c_hash)',
      is: (claims) => claims.ver === '2.0' && noIdToken.is(claims),
    },
    // Permissions of an application itself are roles; scp stands only where a person gave them.
    isMachine: ({ idtyp, scp }) => idtyp === 'app' || scp === undefined,
  },
  okta: {
    name: 'okta',
    types: [...JWT, undefined],
    names: { client_id: 'cid', scope: 'scp' },
    scopes: 'list',
    lifeSecondsMax: HOUR,
    accessToken: {
      rule: 'jti of an access token (AT.)',
      is: (claims) => typeof claims.jti === 'string' && claims.jti.startsWith('AT.'),
    },
    isMachine: ownClient('cid'),
  },
  keycloak: {
    name: 'keycloak',
    types: JWT,
    names: { client_id: 'azp' },
    scopes: 'text',
    lifeSecondsMax: HOUR,
    // ID and refresh tokens are signed with the same key and say `ID` and `Refresh`.
    accessToken: { rule: 'typ Bearer in the payload', is: ({ typ }) => typ === 'Bearer' },
    isMachine: ({ preferred_username: name, azp }) =>
      typeof azp === 'string' && name === `service-account-${azp.toLowerCase()}`,
  },
};
