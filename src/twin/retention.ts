const DAY_MS = 24 * 3_600_000;

/** How long the log keeps a tombstone, and knows a duplicate (design §6). */
export const TOMBSTONE_RETENTION_MS = 30 * DAY_MS;

/** What stands still longer than this is built anew: some days before it could have missed any. */
export const STANDSTILL_MAX_MS = TOMBSTONE_RETENTION_MS * 0.75;

/**
 * Whether a copy of the log's records may have missed tombstones that compaction has removed since:
 * it would then show for ever what was deleted. For views, snapshots and the decider's own state.
 * @param completeAtMs when the copy last had everything that the log had
 */
export function mayHaveMissed(completeAtMs: number, nowMs: number): boolean {
  return nowMs - completeAtMs > STANDSTILL_MAX_MS;
}
