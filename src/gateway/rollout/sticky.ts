import { createHash } from 'node:crypto';
import type { RolloutFlag } from '../../contract/rollout.ts';

const BUCKETS = 10_000;

/**
 * Where a member stands in the order in which members move, 0 to 9,999: the first four bytes of
 * SHA-256 of `flag/member`, as a fraction of 2^32. Every instance and every version says the same of
 * a member, and any other program can: that is what makes a step sticky.
 */
export function bucketOf(flag: RolloutFlag, member: string): number {
  const first = createHash('sha256').update(`${flag}/${member}`).digest().readUInt32BE(0);
  return Math.floor((first / 2 ** 32) * BUCKETS);
}

/** Whoever is in at a step is in at every later one. @param percent 0 to 100 */
export function isMoved(flag: RolloutFlag, member: string, percent: number): boolean {
  return bucketOf(flag, member) < percent * (BUCKETS / 100);
}
