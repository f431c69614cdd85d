const BACKOFF_MIN_MS = 250;
const BACKOFF_MAX_MS = 15_000;

export interface BackOff {
  /** How long the next pause takes, at most. */
  readonly nextMs: number;
  /** Waits, ever longer and never the same; ends at once with the signal. */
  pause(): Promise<void>;
  reset(): void;
}

export function backOff(signal: AbortSignal): BackOff {
  let nextMs = BACKOFF_MIN_MS;
  return {
    get nextMs() {
      return nextMs;
    },
    async pause() {
      const delayMs = nextMs * (0.5 + Math.random() / 2);
      nextMs = Math.min(nextMs * 2, BACKOFF_MAX_MS);
      await pause(delayMs, signal);
    },
    reset() {
      nextMs = BACKOFF_MIN_MS;
    },
  };
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
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
