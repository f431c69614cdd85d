import type { Clock } from '../../../kernel/clock.ts';

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Runs what falls due on the way, in order, and what follows from it. */
  advance(byMs: number): Promise<void>;
}

interface Due {
  readonly at: number;
  readonly task: () => void;
}

/** @param startMs milliseconds since the epoch */
export function createManualClock(startMs: number): ManualClock {
  let now = startMs;
  const timers = new Set<Due>();
  const nextBefore = (end: number): Due | undefined =>
    [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    monotonic: () => now - startMs,
    after(delayMs, task) {
      const timer = { at: now + Math.max(0, delayMs), task };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async advance(byMs) {
      const end = now + byMs;
      await settled();
      for (let due = nextBefore(end); due !== undefined; due = nextBefore(end)) {
        now = due.at;
        timers.delete(due);
        due.task();
        await settled();
      }
      now = end;
    },
  };
}

const TURNS = 20;

/** Everything has happened that needs no time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
