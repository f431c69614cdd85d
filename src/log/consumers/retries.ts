/** How a handler is tried again. */
export interface Retries {
  /** Tries in all. */
  readonly attempts: number;
  /** Before the second try; twice that before the third. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** From 0 to 1: what spreads the tries of many instances. */
  readonly random: () => number;
}

export const RETRIES: Retries = {
  attempts: 3,
  backoffMs: 200,
  backoffMaxMs: 10_000,
  random: Math.random,
};

/** Exponential, with the upper half of it at random. @param failed how many tries have, from 1 */
export function backoffOf({ backoffMs, backoffMaxMs, random }: Retries, failed: number): number {
  const whole = Math.min(backoffMs * 2 ** (failed - 1), backoffMaxMs);
  return whole / 2 + (random() * whole) / 2;
}
