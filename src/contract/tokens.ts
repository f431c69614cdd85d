/** How issuers of access tokens spell what contract "Claims" asks for. */

/** `OAUTH_PROFILE`: whose access tokens these are. */
export const OAUTH_PROFILES = ['rfc9068', 'auth0', 'entra', 'okta', 'keycloak'] as const;
export type OAuthProfile = (typeof OAUTH_PROFILES)[number];

/** The claims that `OAUTH_CLAIMS` may map: `tenant=org,purpose_of_use=https://acme.example/purpose`. */
export const MAPPED_CLAIMS = [
  'sub',
  'client_id',
  'jti',
  'scope',
  'tenant',
  'purpose_of_use',
  'act',
  'acr',
  'amr',
  'auth_time',
] as const;
export type MappedClaim = (typeof MAPPED_CLAIMS)[number];

/** Our name of a claim to the issuer's; those left out have the same name there. */
export type ClaimNames = Readonly<Partial<Record<MappedClaim, string>>>;
