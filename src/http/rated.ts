import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import { createRate } from '../kernel/rate.ts';
import { principalKey } from '../twin/principals.ts';
import type { Authenticator } from './parts.ts';

/**
 * Every authenticated request counts for its principal and for its tenant, whatever its route, so
 * that one agent in a loop leaves the others their share. Counted on each instance by itself.
 * @param perSecond requests a second of one principal; a tenant has ten times that
 */
export function rated(
  authenticator: Authenticator,
  clock: Pick<Clock, 'monotonic'>,
  perSecond: number,
): Authenticator {
  const { requestBurstSeconds, tenantRequestsFactor } = LIMITS;
  const rateOf = (rate: number) =>
    createRate(clock, { perSecond: rate, burst: rate * requestBurstSeconds });
  const byPrincipal = rateOf(perSecond);
  const byTenant = rateOf(perSecond * tenantRequestsFactor);
  return {
    ...authenticator,
    async authenticate(rawHeaders) {
      const principal = await authenticator.authenticate(rawHeaders);
      // The principal first: what it is refused does not count against its tenant.
      if (byPrincipal.take(principalKey(principal)) && byTenant.take(principal.tenant)) {
        return principal;
      }
      throw new Fault('RATE_LIMITED', { detail: 'Too many requests; wait a second.' });
    },
  };
}
