import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { RateOptions } from '../kernel/rate.ts';
import type { Principal } from './ports.ts';
import { principalKey } from './principals.ts';

interface Counted {
  take(key: string): boolean | Promise<boolean>;
}

/** What costs more than a read, and is counted by itself. */
export type Costly = 'search' | 'chat';

/**
 * Counts what searches, and those that chats make, cost: for the principal, then for the tenant, so
 * that no principal takes what the others of its tenant have.
 * @throws Fault RATE_LIMITED, for that caller alone
 */
export type Spend = (principal: Principal, what: Costly) => Promise<void>;

/** @param of counts of this instance, or of all that share a Redis */
export function createSpend(of: (name: string, options: RateOptions) => Counted): Spend {
  const both = (name: string, { perSecond, burst }: RateOptions) => {
    const factor = LIMITS.tenantRequestsFactor;
    const tenants = { perSecond: perSecond * factor, burst: burst * factor };
    return { own: of(name, { perSecond, burst }), tenant: of(`tenant ${name}`, tenants) };
  };
  const costs = {
    search: both('searches', LIMITS.searches),
    chat: both('chat searches', LIMITS.chatSearches),
  };
  return async (principal, what) => {
    const { own, tenant } = costs[what];
    if ((await own.take(principalKey(principal))) && (await tenant.take(principal.tenant))) return;
    throw new Fault('RATE_LIMITED', { detail: `Too many of this (${what}); wait a second.` });
  };
}
