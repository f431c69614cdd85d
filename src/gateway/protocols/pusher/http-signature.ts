import { createHash } from 'node:crypto';
import { PUSHER_LIMITS } from './limits.ts';
import { type AppKeys, hmacHex, sameText } from './signatures.ts';

/** A request of the HTTP API as it came: query as sent, body as bytes. */
export interface SignedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
}

/**
 * Why a request of the HTTP API is refused, or `undefined` where its signature holds
 * (realtime.md §2.5). The reason names a rule, never a value.
 * @param nowMs milliseconds since the epoch
 */
export function refusedBecause(
  app: AppKeys,
  { method, path, query, body }: SignedRequest,
  nowMs: number,
): string | undefined {
  const given = parametersOf(query);
  if (given === undefined) return 'a parameter is there twice';
  const { auth_signature: signature = '', ...signed } = given;
  const text = `${method}\n${path}\n${canonicalQuery(signed)}`;
  const genuine = sameText(hmacHex(app.secret, text), signature);
  if (!genuine || signed.auth_key !== app.key) return 'the signature does not hold';
  if (signed.auth_version !== '1.0') return 'auth_version is not 1.0';
  const timestamp = signed.auth_timestamp ?? '';
  const skew = Math.abs(nowMs / 1000 - Number(timestamp));
  if (!/^\d{1,12}$/.test(timestamp) || skew > PUSHER_LIMITS.timestampSkewSeconds) {
    return 'auth_timestamp is not within ten minutes';
  }
  return bodyFits(signed.body_md5, body) ? undefined : 'body_md5 is not of this body';
}

/** What is signed of a query: keys in order, values not escaped. */
export function canonicalQuery(parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.map(([key, value]) => `${key}=${value}`).join('&');
}

/** Keys are lower-cased; which of two that are the same then was signed nobody can tell. */
function parametersOf(query: URLSearchParams): Record<string, string> | undefined {
  const pairs = [...query].map(([key, value]) => [key.toLowerCase(), value] as const);
  const parameters = Object.fromEntries(pairs);
  return Object.keys(parameters).length === pairs.length ? parameters : undefined;
}

/** An empty body need not be named; what is named must be so. */
function bodyFits(md5: string | undefined, body: Uint8Array): boolean {
  if (md5 === undefined) return body.length === 0;
  return sameText(createHash('md5').update(body).digest('hex'), md5);
}
