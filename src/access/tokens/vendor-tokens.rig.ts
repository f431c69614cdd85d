import type { OAuthProfile } from '../../contract/tokens.ts';
import type { Claims } from './profiles.ts';

/**
 * Access tokens in the shape that each vendor documents, of a person who works through a client.
 * Names and ids are made up; `exp` and `iat` are relative to `now`, in seconds.
 */
export interface VendorToken {
  readonly issuer: string;
  readonly audience: string;
  readonly header: Claims;
  readonly claims: Claims;
  /** `OAUTH_CLAIMS` that its set-up in docs/oauth.md names. */
  readonly names?: Readonly<Record<string, string>>;
  /** The same of a client by itself: what differs. */
  readonly machine: Claims;
}

export const AUDIENCE = 'https://twin.example.org/mcp';
const ENTRA_TENANT = '8f1c2f34-5d3e-4c21-9a51-0d2f6b7c8e90';
const ENTRA_CLIENT = '2d4d11a2-f814-46a7-890a-274a72a7309e';
const ENTRA_AUDIENCE = '6e74172b-be56-4843-9ff4-e66a39bb12e3';

export function vendorTokens(now: number): Readonly<Record<OAuthProfile, VendorToken>> {
  const times = { iat: now - 10, exp: now + 590 };
  return {
    // RFC 9068 §2.2 and its example in §3.
    rfc9068: {
      issuer: 'https://authorization-server.example.com',
      audience: AUDIENCE,
      header: { typ: 'at+jwt' },
      claims: {
        ...{ iss: 'https://authorization-server.example.com', aud: AUDIENCE, ...times },
        ...{ sub: '5ba552d67', client_id: 's6BhdRkqt3', jti: 'dbe39bf3a3ba4238a513f51d6e1691c4' },
        ...{ scope: 'openid profile twin:read', auth_time: now - 600, acr: '2', amr: ['pwd'] },
        ...{ tenant: 'acme', act: { sub: 'agent:assistant' }, purpose_of_use: 'TREAT' },
      },
      machine: { sub: 's6BhdRkqt3', act: undefined },
    },
    // Access token profiles, "Auth0 profile sample token"; tenant by an Action, namespaced.
    auth0: {
      issuer: 'https://acme.eu.auth0.com/',
      audience: AUDIENCE,
      header: { typ: 'JWT' },
      claims: {
        ...{ iss: 'https://acme.eu.auth0.com/', ...times, azp: 'my_client_id' },
        aud: [AUDIENCE, 'https://acme.eu.auth0.com/userinfo'],
        ...{ sub: 'auth0|123456', scope: 'openid profile twin:read', permissions: ['twin:read'] },
        'https://twin.example.org/tenant': 'acme',
      },
      names: { tenant: 'https://twin.example.org/tenant' },
      machine: {
        ...{ aud: AUDIENCE, sub: 'my_client_id@clients', gty: 'client-credentials' },
        scope: 'twin:read',
      },
    },
    // Access token claims reference, v2.0: scp, azp, oid, tid, uti; no client_id, jti or scope.
    entra: {
      issuer: `https://login.microsoftonline.com/${ENTRA_TENANT}/v2.0`,
      audience: ENTRA_AUDIENCE,
      header: { typ: 'JWT' },
      claims: {
        iss: `https://login.microsoftonline.com/${ENTRA_TENANT}/v2.0`,
        ...{ aud: ENTRA_AUDIENCE, iat: now - 310, nbf: now - 310, exp: now + 4_000 },
        ...{ aio: 'AXQAi/8TAAAA', azp: ENTRA_CLIENT, azpacr: '0', name: 'Ana Example' },
        ...{ oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474', preferred_username: 'ana@acme.example' },
        ...{ rh: '0.AAAA', scp: 'twin:read twin:search', ver: '2.0', tid: ENTRA_TENANT },
        ...{ sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ', uti: 'fqiBqXLPj0eQa82S-IYFAA' },
      },
      machine: { scp: undefined, roles: ['Twin.Import'], idtyp: 'app' },
    },
    // Custom authorization server: cid, uid, ver, scp as a list, jti of AT., no typ.
    okta: {
      issuer: 'https://acme.okta.com/oauth2/default',
      audience: AUDIENCE,
      header: {},
      claims: {
        ...{ iss: 'https://acme.okta.com/oauth2/default', aud: AUDIENCE, ...times, ver: 1 },
        ...{ jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE', cid: 'nmdP1fcyvdVO11AL7ECm' },
        ...{ uid: '00ujmkLgagxeRrAg20g3', sub: 'ana@acme.example', scp: ['openid', 'twin:read'] },
        ...{ auth_time: now - 30, tenant: 'acme' },
      },
      machine: { sub: 'nmdP1fcyvdVO11AL7ECm', uid: undefined, scp: ['twin:read'] },
    },
    // Keycloak 26: typ Bearer in the payload, azp, sid, acr; tenant and audience by mappers.
    keycloak: {
      issuer: 'https://login.example.org/realms/acme',
      audience: AUDIENCE,
      header: { typ: 'JWT' },
      claims: {
        ...{ iss: 'https://login.example.org/realms/acme', aud: AUDIENCE, ...times, typ: 'Bearer' },
        ...{ jti: 'onrtac:3f9a40f3-7b8d-4a41-9d5c-0d4f0c9c7a11', azp: 'Twin-App', acr: '1' },
        ...{ sub: 'f3e7a8b1-0c4d-4f1a-9a55-3f1d2c4b5a69', sid: '0d8c7f7e', auth_time: now - 60 },
        ...{ 'allowed-origins': ['https://app.example.org'], scope: 'email profile twin:read' },
        ...{ preferred_username: 'ana', email_verified: true, tenant: 'acme' },
      },
      machine: {
        ...{ preferred_username: 'service-account-twin-app', client_id: 'Twin-App' },
        ...{ sid: undefined, scope: 'twin:read' },
      },
    },
  };
}
