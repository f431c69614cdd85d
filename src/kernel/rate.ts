import type { Clock } from './clock.ts';

/** How often something may happen by each key: so many a second, and so many at once. */
export interface Rate {
  /** Whether it may happen now; then it counts. */
  take(key: string): boolean;
}

export interface RateOptions {
  readonly perSecond: number;
  /** After a quiet time, this many at once. */
  readonly burst: number;
}

/** Keys that are remembered; one that was forgotten begins with its whole burst again. */
const KEYS_MAX = 20_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** A token bucket for each key. */
export function createRate(
  clock: Pick<Clock, 'monotonic'>,
  { perSecond, burst }: RateOptions,
): Rate {
  const buckets = new Map<string, Bucket>();
  return {
    take(key) {
      const now = clock.monotonic();
      const bucket = buckets.get(key) ?? { tokens: burst, at: now };
      const refilled = bucket.tokens + ((now - bucket.at) / 1000) * perSecond;
      bucket.tokens = Math.min(burst, refilled);
      bucket.at = now;
      // Newest last, so that the first key is the one that was quiet for longest.
      buckets.delete(key);
      buckets.set(key, bucket);
      if (buckets.size > KEYS_MAX)
        for (const oldest of buckets.keys()) {
          buckets.delete(oldest);
          break;
        }
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
