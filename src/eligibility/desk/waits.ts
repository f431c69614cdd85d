import type { Clock } from '../../kernel/clock.ts';
import type { CheckStep } from '../../twin/ports.ts';
import { isTerminal } from '../journal/table.ts';

/** Requests that are held for the end of a check. */
export class EndWaits {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  hear(steps: readonly CheckStep[]): void {
    for (const { checkId, state } of steps) {
      if (!isTerminal(state)) continue;
      for (const resolve of this.#waiting.get(checkId) ?? []) resolve();
    }
  }

  /**
   * Resolves at the end, after `ms`, or when the caller has gone.
   * @param ended looked at now and each second: an end may be known before the journal tells it
   */
  async until(
    checkId: string,
    ms: number,
    ended: () => boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(checkId) ?? new Set();
    this.#waiting.set(checkId, waiting.add(resolve));
    const gone = (): void => resolve();
    signal?.addEventListener('abort', gone, { once: true });
    let timer = this.#clock.after(ms, resolve);
    const over = timer;
    const look = (): void => {
      if (ended()) resolve();
      else timer = this.#clock.after(Math.min(1_000, ms), look);
    };
    look();
    await promise;
    over.cancel();
    timer.cancel();
    signal?.removeEventListener('abort', gone);
    waiting.delete(resolve);
    if (waiting.size === 0) this.#waiting.delete(checkId);
  }
}
