import type { Clock } from '../../kernel/clock.ts';

/**
 * The account's slots: a question holds one until it is answered, whether or not who asked is still
 * there. Nothing waits: beyond the limit it is 429.
 */
export class Slots {
  #limit: number;
  #inFlight = 0;
  #counts = { taken: 0, refused: 0, inFlightMax: 0, heldMs: 0 };
  readonly #clock: Pick<Clock, 'monotonic'>;

  constructor(limit: number, clock: Pick<Clock, 'monotonic'>) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** @returns how to give it back, or undefined where none is free */
  take(): (() => void) | undefined {
    if (this.#inFlight >= this.#limit) {
      this.#counts.refused += 1;
      return undefined;
    }
    this.#inFlight += 1;
    this.#counts.taken += 1;
    this.#counts.inFlightMax = Math.max(this.#counts.inFlightMax, this.#inFlight);
    const since = this.#clock.monotonic();
    return () => {
      this.#inFlight -= 1;
      this.#counts.heldMs += this.#clock.monotonic() - since;
    };
  }

  set limit(limit: number) {
    this.#limit = limit;
  }

  reset(): void {
    this.#counts = { taken: 0, refused: 0, inFlightMax: this.#inFlight, heldMs: 0 };
  }

  /** `inFlightMax` is the highest since the start or the last reset. */
  get counts() {
    return { ...this.#counts, limit: this.#limit, inFlight: this.#inFlight };
  }
}
