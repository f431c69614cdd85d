export interface BackOff {
  /** How long the next pause takes, at most. */
  readonly nextMs: number;
  /** Waits, ever longer and never the same; ends at once with the signal. */
  pause(): Promise<void>;
  reset(): void;
}

export interface BackOffBounds {
  readonly minMs: number;
  readonly maxMs: number;
  /** Share of a pause that is not left to chance, 0 (full jitter) to 1. */
  readonly steady: number;
}

const USUAL: BackOffBounds = { minMs: 250, maxMs: 15_000, steady: 0.5 };

export function backOff(signal: AbortSignal, { minMs, maxMs, steady } = USUAL): BackOff {
  let nextMs = minMs;
  return {
    get nextMs() {
      return nextMs;
    },
    async pause() {
      const delayMs = nextMs * (steady + Math.random() * (1 - steady));
      nextMs = Math.min(nextMs * 2, maxMs);
      await pause(delayMs, signal);
    },
    reset() {
      nextMs = minMs;
    },
  };
}

export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done);
  });
}
