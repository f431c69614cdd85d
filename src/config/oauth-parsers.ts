import { type ClaimNames, MAPPED_CLAIMS, type MappedClaim } from '../contract/tokens.ts';
import { Wrong } from './parsers.ts';

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

export function oauthClientId(text: string): string {
  if (/^[\x21-\x7e]{1,512}$/.test(text)) return text;
  throw new Wrong('must be a client id at the issuer: 1 to 512 printable characters');
}

/** What stands before our scopes at the issuer; without quotes or spaces (RFC 6749 §3.3). */
export function oauthScopePrefix(text: string): string {
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(text)) return text;
  throw new Wrong('must be what stands before each scope at the issuer, such as api://twin/');
}

const LOGIN_KINDS_MAX = 8;

/** Authentication context classes as tokens name them, with spaces between (RFC 9470 §3). */
export function loginKinds(text: string): readonly string[] {
  const kinds = text.split(' ').filter((kind) => kind !== '');
  const areWords = kinds.every((kind) => /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(kind));
  if (areWords && kinds.length > 0 && kinds.length <= LOGIN_KINDS_MAX) return kinds;
  throw new Wrong(`must be 1 to ${LOGIN_KINDS_MAX} values of acr, such as urn:acme:mfa`);
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
