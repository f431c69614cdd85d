import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { RateOptions } from '../kernel/rate.ts';
import { principalKey } from '../twin/principals.ts';
import type { Authenticator } from './parts.ts';

/** Whether it may happen now; then it counts. */
interface Counted {
  take(key: string): boolean | Promise<boolean>;
}

/**
 * Every authenticated request counts for its principal and for its tenant, whatever its route, so
 * that one agent in a loop leaves the others their share.
 * @param perSecond requests a second of one principal; a tenant has ten times that
 * @param of counts of this instance, or of all that share a Redis
 */
export function rated(
  authenticator: Authenticator,
  of: (name: string, options: RateOptions) => Counted,
  perSecond: number,
): Authenticator {
  const { requestBurstSeconds, tenantRequestsFactor } = LIMITS;
  const rateOf = (name: string, rate: number) =>
    of(name, { perSecond: rate, burst: rate * requestBurstSeconds });
  const byPrincipal = rateOf('requests', perSecond);
  const byTenant = rateOf('tenant requests', perSecond * tenantRequestsFactor);
  return {
    ...authenticator,
    async authenticate(rawHeaders) {
      const principal = await authenticator.authenticate(rawHeaders);
      // The principal first: what it is refused does not count against its tenant.
      const own = byPrincipal.take(principalKey(principal));
      if (own === true || (await own)) {
        const tenants = byTenant.take(principal.tenant);
        if (tenants === true || (await tenants)) return principal;
      }
      throw new Fault('RATE_LIMITED', { detail: 'Too many requests; wait a second.' });
    },
  };
}
