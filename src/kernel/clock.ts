/** Time as an argument: tests and simulations bring their own. */
export interface Clock {
  /** Milliseconds since the epoch, wall clock. */
  now(): number;
  /** Milliseconds, never going backwards; for durations and timers. */
  monotonic(): number;
  /** Runs `task` after `delayMs`; the timer never keeps the process alive. */
  after(delayMs: number, task: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Node's timers overflow above this and would fire at once. */
const TIMER_DELAY_MAX_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task) {
    const handle = setTimeout(task, Math.min(Math.max(delayMs, 0), TIMER_DELAY_MAX_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs`; unlike `Clock.after` it keeps the process alive. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
