import { refused } from './refusal.ts';
import { parseStrict } from './strict-json.ts';

export interface TokenHeader {
  readonly alg: string;
  readonly kid: string;
}

/** Three parts in base64url without padding, none empty: JWS compact serialization, never JWE. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** All that a header may say. `jwk`, `jku`, `x5u`, `x5c`, `crit`, `b64` would choose our key. */
const PARAMETERS = new Set(['alg', 'typ', 'kid']);
const KID = /^[A-Za-z0-9._-]{1,128}$/;

/** The protected header, before any signature is checked. @throws Fault UNAUTHENTICATED */
export function headerOf(token: string): TokenHeader {
  if (!COMPACT.test(token)) throw refused('JWS compact serialization');
  const header = jsonPart(token, 0);
  if (header === undefined) throw refused('header is a JSON object with unique keys');
  const { alg, typ, kid } = header;
  const foreign = Object.keys(header).find((name) => !PARAMETERS.has(name));
  if (foreign !== undefined) throw refused('header of alg, typ and kid alone');
  if (typeof alg !== 'string') throw refused('alg is a string');
  if (typeof typ !== 'string') throw refused('typ at+jwt');
  // RFC 7515 leaves kid optional; without it a verifier with one key takes that one.
  if (typeof kid !== 'string' || !KID.test(kid)) throw refused('kid is a plain string');
  return { alg, kid };
}

/** One part of a compact token as strict JSON; `undefined` when it is not that. */
export function jsonPart(token: string, index: 0 | 1): Record<string, unknown> | undefined {
  const bytes = Buffer.from(token.split('.')[index] ?? '', 'base64url');
  try {
    return parseStrict(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
