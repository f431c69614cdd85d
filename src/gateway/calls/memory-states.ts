import type { Clock } from '../../kernel/clock.ts';
import { CALL_KEPT_MS, type CallStates, callKey, type LastOfCall } from './states.ts';

const CALLS_MAX = 100_000;

/** Calls of one process, without Redis; past the bound the one that was noted first goes. */
export class MemoryCallStates implements CallStates {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #calls = new Map<string, { readonly last: LastOfCall; readonly notedAt: number }>();

  constructor(clock: Clock, max = CALLS_MAX) {
    this.#clock = clock;
    this.#max = max;
  }

  note(last: LastOfCall): Promise<void> {
    const key = callKey(last.tenant, last.id);
    const before = this.#calls.get(key)?.last;
    const isLate = before !== undefined && Date.parse(before.at) > Date.parse(last.at);
    if (!isLate) {
      this.#calls.delete(key);
      this.#calls.set(key, { last, notedAt: this.#clock.monotonic() });
    }
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > this.#max && oldest !== undefined) this.#calls.delete(oldest);
    return Promise.resolve();
  }

  last(tenant: string, id: string): Promise<LastOfCall | undefined> {
    const key = callKey(tenant, id);
    const known = this.#calls.get(key);
    if (known !== undefined && this.#clock.monotonic() - known.notedAt <= CALL_KEPT_MS) {
      return Promise.resolve(known.last);
    }
    this.#calls.delete(key);
    return Promise.resolve(undefined);
  }

  forget(isThere: (member: string) => boolean): void {
    for (const [key, { last }] of this.#calls) if (!isThere(last.member)) this.#calls.delete(key);
  }
}
