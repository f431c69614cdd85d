import type { BreakerSettings } from './types.ts';

/**
 * Stops asking a payer that does not answer: closed, open for a time, then one probe. Kept libraries
 * (cockatiel, opossum) read the clock of the process and run the call themselves; here neither is
 * so, since thousands of schedules are proven in virtual time.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  /** Newest last; `true` is a failure. */
  #outcomes: boolean[] = [];
  #openUntil = Number.NEGATIVE_INFINITY;
  #openMs: number;
  #isOpen = false;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#openMs = settings.openMs;
  }

  state(now: number): 'closed' | 'open' | 'half-open' {
    if (!this.#isOpen) return 'closed';
    return now < this.#openUntil ? 'open' : 'half-open';
  }

  /** Whether one more may be asked beside those that are being asked. */
  admits(now: number, asking: number): boolean {
    const state = this.state(now);
    return state === 'closed' || (state === 'half-open' && asking === 0);
  }

  wakeAt(): number | undefined {
    return this.#isOpen ? this.#openUntil : undefined;
  }

  settle(failed: boolean, now: number): void {
    if (this.state(now) === 'half-open') this.#probed(failed, now);
    else if (!this.#isOpen) this.#note(failed, now);
  }

  #note(failed: boolean, now: number): void {
    const { window, least, failures, openMs } = this.#settings;
    this.#outcomes = [...this.#outcomes, failed].slice(-window);
    const count = this.#outcomes.filter(Boolean).length;
    if (this.#outcomes.length < least || count < failures * this.#outcomes.length) return;
    this.#openMs = openMs;
    this.#open(now);
  }

  #probed(failed: boolean, now: number): void {
    if (!failed) {
      this.#isOpen = false;
      this.#outcomes = [];
      return;
    }
    this.#openMs = Math.min(this.#settings.openMsMax, 2 * this.#openMs);
    this.#open(now);
  }

  #open(now: number): void {
    this.#isOpen = true;
    this.#openUntil = now + this.#openMs;
    this.#outcomes = [];
  }
}
