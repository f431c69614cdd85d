import type { RecoverySettings } from './types.ts';

/**
 * How many calls may be open: the setting, or less while the clearinghouse refuses some. It names
 * no limit and no time to wait, so what was open beside a refused call is the best that is known.
 */
export class SlotLimit {
  readonly #max: number;
  readonly #settings: RecoverySettings;
  #now: number;
  #afterMs: number;
  #changedAt = Number.NEGATIVE_INFINITY;
  /** The newest change was one slot more. */
  #tried = false;

  constructor(max: number, settings: RecoverySettings) {
    this.#max = max;
    this.#settings = settings;
    this.#now = max;
    this.#afterMs = settings.afterMs;
  }

  get max(): number {
    return this.#max;
  }

  /** At `now`; one slot more each time that it went well for long enough. */
  at(now: number): number {
    while (this.#now < this.#max && now - this.#changedAt >= this.#afterMs) {
      this.#now += 1;
      this.#changedAt += this.#afterMs;
      if (this.#tried) this.#afterMs = this.#settings.afterMs;
      this.#tried = true;
    }
    return this.#now;
  }

  /** @param open calls that were open beside the one that was refused */
  refused(open: number, now: number): void {
    const { afterMsMax } = this.#settings;
    if (this.#tried) this.#afterMs = Math.min(afterMsMax, 2 * this.#afterMs);
    this.#tried = false;
    this.#now = Math.max(1, Math.min(this.#now, open));
    this.#changedAt = now;
  }

  /** When it will be more by time alone; nothing where it is whole. */
  wakeAt(): number | undefined {
    return this.#now < this.#max ? this.#changedAt + this.#afterMs : undefined;
  }
}
