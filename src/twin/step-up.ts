import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Principal } from './ports.ts';

/** How a person must have logged in for an operation (RFC 9470). */
export interface NeededAuthentication {
  /** Authentication context classes; any of them will do. Empty or absent: whichever. */
  readonly acrValues?: readonly string[];
  /** How long ago the login may be, whole seconds; 0: just now. Absent: however long. */
  readonly maxAgeSeconds?: number;
}

/**
 * Lets through whose token says that the login was such. Where the token says nothing of it, that
 * is no: the issuer is to be asked for `acr` and `auth_time` in access tokens (docs/oauth.md).
 * @throws Fault INSUFFICIENT_AUTHENTICATION, whose data is what the 401's challenge says
 */
export function requireAuthentication(
  { acr, authTimeMs }: Pick<Principal, 'acr' | 'authTimeMs'>,
  { acrValues = [], maxAgeSeconds }: NeededAuthentication,
  nowMs: number,
): void {
  const isStrong = acrValues.length === 0 || (acr !== undefined && acrValues.includes(acr));
  const boundMs = ((maxAgeSeconds ?? 0) + LIMITS.clockSkewSeconds) * 1000;
  const isRecent =
    maxAgeSeconds === undefined || (authTimeMs !== undefined && nowMs - authTimeMs <= boundMs);
  if (isStrong && isRecent) return;
  const data = { acrValues, ...(maxAgeSeconds !== undefined && { maxAgeSeconds }) };
  throw new Fault('INSUFFICIENT_AUTHENTICATION', { data });
}
