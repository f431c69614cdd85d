import type { Clock } from '../kernel/clock.ts';
import type { Place } from '../twin/ports.ts';

/** Those who wait for a place to be applied. Bounded by the requests that are open. */
export interface Waiters {
  /** @returns `false` when `timeoutMs` passed before. */
  wait(place: Place, timeoutMs: number): Promise<boolean>;
  reached(partition: number, offset: number): void;
  /** Nobody waits on: all are answered with `false`. */
  end(): void;
}

export function createWaiters(clock: Clock): Waiters {
  const waiting = new Map<
    number,
    Set<{ readonly offset: number; settle(reached: boolean): void }>
  >();
  return {
    wait({ partition, offset }, timeoutMs) {
      return new Promise((resolve) => {
        const own = waiting.get(partition) ?? new Set();
        waiting.set(partition, own);
        const waiter = {
          offset,
          settle(reached: boolean) {
            own.delete(waiter);
            timer.cancel();
            resolve(reached);
          },
        };
        const timer = clock.after(timeoutMs, () => waiter.settle(false));
        own.add(waiter);
      });
    },
    reached(partition, offset) {
      for (const waiter of waiting.get(partition) ?? []) {
        if (waiter.offset <= offset) waiter.settle(true);
      }
    },
    end() {
      for (const own of waiting.values()) for (const waiter of own) waiter.settle(false);
    },
  };
}
