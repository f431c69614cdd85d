import type { Clock, Timer } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import { questionKey } from './decisions-facts.ts';
import type { CheckQuery } from './spicedb/engine.ts';

/** What is gathered meanwhile costs one question more in the same call, not a call more. */
const GATHER_MS = 20;

/** Questions that are asked anew before their answers are too old, many in one call. */
export class Renewals {
  readonly #clock: Clock;
  readonly #renew: (questions: readonly CheckQuery[]) => Promise<void>;
  readonly #onTrouble: (error: unknown) => void;
  readonly #waiting = new Map<string, CheckQuery>();
  /** Under way; they are not asked a second time meanwhile. */
  readonly #asked = new Set<string>();
  #timer: Timer | undefined;

  constructor(
    clock: Clock,
    renew: (questions: readonly CheckQuery[]) => Promise<void>,
    onTrouble: (error: unknown) => void,
  ) {
    this.#clock = clock;
    this.#renew = renew;
    this.#onTrouble = onTrouble;
  }

  add(question: CheckQuery): void {
    const key = questionKey(question);
    if (this.#asked.has(key) || this.#waiting.size >= LIMITS.decisionCacheEntriesMax) return;
    this.#waiting.set(key, question);
    this.#timer ??= this.#clock.after(GATHER_MS, () => this.#send());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #send(): void {
    this.#timer = undefined;
    const batch = [...this.#waiting];
    this.#waiting.clear();
    for (const [key] of batch) this.#asked.add(key);
    this.#renew(batch.map(([, question]) => question))
      .catch(this.#onTrouble)
      .finally(() => {
        for (const [key] of batch) this.#asked.delete(key);
      });
  }
}
