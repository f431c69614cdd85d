import type { Clock } from '../../kernel/clock.ts';

/** So many calls in a row without an answer, and none is sent for a while. */
const FAILURES_MAX = 5;
/** While open, one call is let through in this time, to see whether there is an answer again. */
const PROBE_MS = 500;

/**
 * Between many callers and a server that does not answer: instead of all of them waiting for their
 * deadlines, and the server finding all of them in its queue when it is back, most are refused at
 * once and one asks.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  #failures = 0;
  #probedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get open(): boolean {
    return this.#failures >= FAILURES_MAX;
  }

  /**
   * Answers what `call` answers. @throws what it throws; at once, when the breaker is open.
   * @param unanswered whether an error means that the server is away, not that it said no
   */
  async run<T>(call: () => Promise<T>, unanswered: (error: unknown) => boolean): Promise<T> {
    if (this.open) this.#probe();
    try {
      const answer = await call();
      this.#failures = 0;
      return answer;
    } catch (error) {
      this.#failures = unanswered(error) ? this.#failures + 1 : 0;
      throw error;
    }
  }

  #probe(): void {
    const now = this.#clock.monotonic();
    if (now - this.#probedAtMs < PROBE_MS) {
      throw new Error('SpiceDB has not answered of late: it is not asked at the moment');
    }
    this.#probedAtMs = now;
  }
}
