import { Breaker } from './breaker.ts';
import type { PayerStatus, SchedulerSettings } from './types.ts';

/** How much the newest call says of a payer's next one. */
const NEWEST = 0.2;
/** Payers that are remembered without anything waiting; the longest unheard of go. */
const KEPT_MAX = 2_000;

interface Known {
  estimateMs: number;
  inUse: number;
  waiting: number;
  readonly breaker: Breaker;
}

/** What is known of each payer: how long it takes, how many calls it holds, whether it answers. */
export class Payers {
  readonly #settings: SchedulerSettings;
  /** In the order in which they were last heard of. */
  readonly #known = new Map<string, Known>();

  #meanMs: number;

  constructor(settings: SchedulerSettings) {
    this.#settings = settings;
    this.#meanMs = settings.estimateMs;
  }

  /** What a call takes, of whichever payer. */
  get meanMs(): number {
    return this.#meanMs;
  }

  admits(payer: string, slots: number, now: number): boolean {
    const known = this.#known.get(payer);
    if (known === undefined) return true;
    return known.inUse < this.cap(slots) && known.breaker.admits(now, known.inUse);
  }

  cap(slots: number): number {
    return Math.max(1, Math.ceil(slots * this.#settings.payerShare));
  }

  estimateMs(payer: string): number {
    return this.#known.get(payer)?.estimateMs ?? this.#settings.estimateMs;
  }

  waiting(payer: string): number {
    return this.#known.get(payer)?.waiting ?? 0;
  }

  wait(payer: string, by: 1 | -1): void {
    this.#of(payer).waiting += by;
  }

  begin(payer: string): void {
    this.#of(payer).inUse += 1;
  }

  end(payer: string): void {
    this.#of(payer).inUse -= 1;
  }

  learn(payer: string, heldMs: number, failed: boolean, now: number): void {
    const known = this.#of(payer);
    known.estimateMs += NEWEST * (heldMs - known.estimateMs);
    this.#meanMs += NEWEST * (heldMs - this.#meanMs);
    known.breaker.settle(failed, now);
  }

  wakeAts(): number[] {
    return [...this.#known.values()]
      .filter(({ waiting }) => waiting > 0)
      .flatMap(({ breaker }) => breaker.wakeAt() ?? []);
  }

  status(slots: number, now: number): PayerStatus[] {
    return [...this.#known]
      .filter(([, { inUse, waiting, breaker }]) => {
        return inUse > 0 || waiting > 0 || breaker.state(now) !== 'closed';
      })
      .map(([payer, { inUse, waiting, estimateMs, breaker }]) => {
        const state = breaker.state(now);
        return { payer, inUse, waiting, cap: this.cap(slots), breaker: state, estimateMs };
      });
  }

  #of(payer: string): Known {
    const { estimateMs, breaker } = this.#settings;
    const fresh = { estimateMs, inUse: 0, waiting: 0, breaker: new Breaker(breaker) };
    const known = this.#known.get(payer) ?? fresh;
    this.#known.delete(payer);
    this.#known.set(payer, known);
    if (this.#known.size > KEPT_MAX) this.#forget();
    return known;
  }

  #forget(): void {
    for (const [payer, { inUse, waiting }] of this.#known) {
      if (this.#known.size <= KEPT_MAX) return;
      if (inUse === 0 && waiting === 0) this.#known.delete(payer);
    }
  }
}
