import { LIMITS } from '../../kernel/limits.ts';
import type { Principal } from '../../twin/ports.ts';
import { refused } from './refusal.ts';
import { isSeconds } from './seconds.ts';
import type { OurClaims } from './translated.ts';

const WORD = /^[\x21-\x7e]{1,256}$/;
const METHODS_MAX = 16;
const MAPS = 'OAUTH_CLAIMS names the claim';

/**
 * How and when the person logged in (RFC 9068 §2.2.1), for operations that ask for more (RFC 9470).
 * @throws Fault UNAUTHENTICATED for a claim of another kind: half of it would be a guess
 */
export function authenticationOf(
  { acr, amr, auth_time: at }: OurClaims,
  nowSeconds: number,
): Pick<Principal, 'acr' | 'amr' | 'authTimeMs'> {
  if (acr !== undefined && (typeof acr !== 'string' || !WORD.test(acr))) {
    throw refused('acr is a plain string', MAPS);
  }
  if (amr !== undefined && !isMethods(amr)) throw refused('amr is a list of methods', MAPS);
  if (at !== undefined && (!isSeconds(at) || at > nowSeconds + LIMITS.clockSkewSeconds)) {
    throw refused('auth_time is a past second', MAPS);
  }
  return {
    ...(acr !== undefined && { acr }),
    ...(amr !== undefined && { amr }),
    ...(at !== undefined && { authTimeMs: at * 1000 }),
  };
}

function isMethods(amr: unknown): amr is string[] {
  return (
    Array.isArray(amr) &&
    amr.length <= METHODS_MAX &&
    amr.every((method) => typeof method === 'string' && WORD.test(method))
  );
}
