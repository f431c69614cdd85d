import type { Profile } from './profiles.ts';
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
const OPAQUE =
  'opaque and encrypted tokens are not taken, since this version asks no introspection endpoint: ' +
  'have the issuer make signed JWTs for this audience';
const PROFILE = 'OAUTH_PROFILE says whose tokens these are';
export const KID = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * The protected header, before any signature is checked.
 * @param types media types that an access token of this issuer may have
 * @throws Fault UNAUTHENTICATED
 */
export function headerOf(token: string, types: Profile['types']): TokenHeader {
  if (!COMPACT.test(token)) throw refused('JWS compact serialization', OPAQUE);
  const header = jsonPart(token, 0);
  if (header === undefined) throw refused('header is a JSON object with unique keys');
  const { alg, typ, kid } = header;
  const foreign = Object.keys(header).find((name) => !PARAMETERS.has(name));
  if (foreign !== undefined) throw refused('header of alg, typ and kid alone');
  if (typeof alg !== 'string') throw refused('alg is a string');
  if (!types.some((type) => isType(typ, type))) throw refused(ruleOfTypes(types), PROFILE);
  // RFC 7515 leaves kid optional; without it a verifier with one key takes that one.
  if (typeof kid !== 'string' || !KID.test(kid)) throw refused('kid is a plain string');
  return { alg, kid };
}

/** RFC 7515 §4.1.9: media types are compared without case, and `application/` may be left out. */
function isType(typ: unknown, type: string | undefined): boolean {
  if (typ === undefined || type === undefined) return typ === type;
  if (typeof typ !== 'string') return false;
  return typ.toLowerCase().replace(/^application\//, '') === type.toLowerCase();
}

function ruleOfTypes(types: Profile['types']): string {
  return `typ ${types.map((type) => type ?? 'left out').join(' or ')}`;
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
