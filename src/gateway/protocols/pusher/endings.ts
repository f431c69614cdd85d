import type { Clock } from '../../../kernel/clock.ts';
import type { AccessChange, Principal } from '../../../twin/ports.ts';
import { endsAllOf } from '../../../twin/principals.ts';

/** Longer than a grant serves, with what clocks of two instances may differ. */
const KEPT_MS = 120_000;
const SKEW_MS = 2_000;

/**
 * Revoked tokens and suspended clients of the last while. A grant is given, and used a moment later:
 * what ended its caller in between ends it too.
 */
export class Endings {
  readonly #clock: Pick<Clock, 'now'>;
  #kept: { readonly change: AccessChange; readonly at: number }[] = [];

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  add(change: AccessChange): void {
    const now = this.#clock.now();
    this.#kept = this.#kept.filter(({ at }) => now - at < KEPT_MS);
    this.#kept.push({ change, at: now });
  }

  has(principal: Principal, sinceMs: number): boolean {
    return this.#kept.some(
      ({ change, at }) => at > sinceMs - SKEW_MS && endsAllOf(change, principal),
    );
  }
}
