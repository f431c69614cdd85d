import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { DEFAULT_SCOPES } from '../../contract/scopes.ts';
import { STEP_UP } from './policy.ts';
import { KNOWN_SCOPES } from './words.ts';

export interface Seen {
  readonly url?: string;
  readonly body?: Buffer;
  /** Origin of the issuer: what the outside calls us by. */
  readonly issuer: string;
}

/**
 * The request as the library shall see it: a body that was read within our bounds, another query, and
 * no forwarded host of a client's choice.
 */
export function seenAs(req: IncomingMessage, { url, body, issuer }: Seen): IncomingMessage {
  const headers = { ...req.headers, 'x-forwarded-proto': new URL(issuer).protocol.slice(0, -1) };
  for (const name of ['x-forwarded-host', 'x-forwarded-for', 'forwarded']) {
    Reflect.deleteProperty(headers, name);
  }
  if (body !== undefined) headers['content-length'] = String(body.length);
  const path = url ?? req.url;
  return Object.create(req, {
    headers: { value: headers },
    url: { value: path, writable: true },
    originalUrl: { value: path, writable: true },
    ...(body !== undefined && {
      readable: { value: true },
      readableEncoding: { value: null },
      iterator: { value: () => Readable.from([body]).iterator() },
    }),
  }) as IncomingMessage;
}

/**
 * An authorization request in the library's terms. It takes `acr_values` and `max_age` for OpenID
 * Connect alone, where RFC 9470 gives them to OAuth; it answers scopes that nobody has with an error,
 * where RFC 6749 §3.3 leaves them out.
 */
export function authorizationQuery(query: URLSearchParams): URLSearchParams {
  const asked = new URLSearchParams(query);
  for (const [name, ours] of [
    ['acr_values', STEP_UP.acr],
    ['max_age', STEP_UP.maxAge],
  ] as const) {
    asked.delete(ours);
    for (const value of query.getAll(name)) asked.append(ours, value);
    asked.delete(name);
  }
  if (query.get('max_age') === '0') {
    const prompts = new Set([...(query.get('prompt') ?? '').split(' '), 'login']);
    if (!prompts.has('none')) asked.set('prompt', [...prompts].join(' ').trim());
  }
  const scopes = query.getAll('scope');
  if (scopes.length > 1) return asked;
  const words = (scopes[0] ?? '').split(' ').filter((word) => word !== '');
  const known = words.filter((word) => KNOWN_SCOPES.has(word));
  asked.set('scope', (known.length > 0 ? known : words.length > 0 ? [] : DEFAULT_SCOPES).join(' '));
  return asked;
}
