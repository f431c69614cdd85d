import { Fault } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { visibleText } from './visible-text.ts';

/** What is kept of what a client says of itself; logos, pages, keys and scopes are not. */
export interface ClientMetadata {
  readonly client_name?: string;
  readonly redirect_uris: readonly string[];
  readonly application_type: 'native' | 'web';
  readonly grant_types: readonly string[];
  readonly response_types: readonly ['code'];
  readonly token_endpoint_auth_method: 'none';
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Others are registered by whoever runs the server. */
const GRANTS = ['authorization_code', 'refresh_token'];

/**
 * A client's own words (RFC 7591 registration or a metadata document), reduced to what this server
 * uses: a public client with PKCE. RFC 7591 §3.2.1: the server may replace what was asked for.
 * @throws Fault INVALID_ARGUMENT naming the field
 */
export function reducedMetadata(said: unknown): ClientMetadata {
  if (!isObject(said)) throw wrong('it is no JSON object');
  const redirects = redirectsOf(said.redirect_uris);
  const grants = said.grant_types ?? GRANTS;
  if (!Array.isArray(grants) || !grants.includes('authorization_code')) {
    throw wrong('grant_types must have authorization_code');
  }
  if (said.response_types !== undefined && !isListWith(said.response_types, 'code')) {
    throw wrong('response_types must have code');
  }
  const name = nameOf(said.client_name);
  return {
    ...(name !== '' && { client_name: name }),
    redirect_uris: redirects,
    application_type: redirects.some(isLoopbackUri) ? 'native' : 'web',
    grant_types: GRANTS.filter((grant) => grants.includes(grant)),
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
}

function redirectsOf(said: unknown): string[] {
  const { redirectUrisMax } = LIMITS.issuer;
  if (!Array.isArray(said) || said.length === 0 || said.length > redirectUrisMax) {
    throw wrong(`redirect_uris must be 1 to ${redirectUrisMax}`);
  }
  for (const uri of said) {
    if (!isRedirectUri(uri)) throw wrong('redirect_uris must be https, or http on loopback');
  }
  return said as string[];
}

/** OAuth 2.1 §2.3: https; http only where it does not leave the machine (RFC 8252 §7.3). */
export function isRedirectUri(uri: unknown): uri is string {
  if (typeof uri !== 'string' || uri.length > LIMITS.issuer.clientIdCharsMax) return false;
  const url = /^[\x21-\x7e]+$/.test(uri) ? URL.parse(uri) : null;
  if (url === null || uri.includes('#') || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || isLoopbackUri(uri);
}

/** Whether any program of this machine could take what is sent there. */
export function isLoopbackUri(uri: string): boolean {
  const url = URL.parse(uri);
  return url !== null && url.protocol === 'http:' && LOOPBACK.has(url.hostname);
}

function nameOf(said: unknown): string {
  if (said === undefined) return '';
  if (typeof said !== 'string') throw wrong('client_name must be text');
  return visibleText(said, LIMITS.issuer.clientNameCharsMax);
}

function isListWith(value: unknown, word: string): boolean {
  return Array.isArray(value) && value.includes(word);
}

function wrong(what: string): Fault {
  return new Fault('INVALID_ARGUMENT', { detail: `The client cannot be used: ${what}.` });
}
