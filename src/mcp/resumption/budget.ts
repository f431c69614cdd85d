import { LIMITS } from '../../kernel/limits.ts';
import type { AccessChange } from '../../twin/ports.ts';

/** A session that keeps answers. */
export interface Holder {
  accessChanged(change: AccessChange): void;
}

/** Bytes that the sessions of one instance keep together; no tenant takes what is the others'. */
export class KeptBytes {
  /** Who keeps anything: the only ones whom a change of access may concern. */
  readonly holders = new Set<Holder>();
  #all = 0;
  readonly #byTenant = new Map<string, number>();

  get size(): number {
    return this.#all;
  }

  /** Whether there was room. */
  take(tenant: string, bytes: number): boolean {
    const own = (this.#byTenant.get(tenant) ?? 0) + bytes;
    if (own > LIMITS.keptAnswerBytesPerTenantMax) return false;
    if (this.#all + bytes > LIMITS.keptAnswerBytesMax) return false;
    this.#all += bytes;
    this.#byTenant.set(tenant, own);
    return true;
  }

  give(tenant: string, bytes: number): void {
    const own = (this.#byTenant.get(tenant) ?? 0) - bytes;
    this.#all -= bytes;
    if (own > 0) this.#byTenant.set(tenant, own);
    else this.#byTenant.delete(tenant);
  }
}
