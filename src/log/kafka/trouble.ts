import type { Clock } from '../../kernel/clock.ts';
import { TriedAgain } from './client.ts';

export interface TroubleOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** It may pass: told once. */
  readonly onPassing: (error: unknown) => void;
  readonly onError: (error: unknown) => void;
}

/** Trouble that is still there after this time is an error, and so again after each such time. */
const LASTS_MS = 30_000;
/** Longer than any pause between two tries: whoever is silent for so long has succeeded. */
const SILENT_MS = 10_000;

/**
 * Where a Kafka is made anew, moves its leaders or is away, each of our connections tells so at
 * each try. What passes is one warning, whoever tells it; only what lasts is an error. Anything
 * that is not tried again is an error at once.
 */
export function createTroubles(options: TroubleOptions): (error: unknown) => void {
  const { clock, onPassing, onError } = options;
  let lastMs = Number.NEGATIVE_INFINITY;
  let saidMs = 0;
  return (error) => {
    if (!(error instanceof TriedAgain)) return onError(error);
    const nowMs = clock.monotonic();
    const isNew = nowMs - lastMs > SILENT_MS;
    lastMs = nowMs;
    if (!isNew && nowMs - saidMs < LASTS_MS) return;
    saidMs = nowMs;
    if (isNew) onPassing(error);
    else onError(error);
  };
}
