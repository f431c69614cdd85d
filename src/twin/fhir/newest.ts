import type { BundleEntry } from './records.ts';

/**
 * Of each record the newest version: by its time, then by its position. A version without a time
 * counts by its position alone.
 */
export function newestOf(entries: readonly BundleEntry[]): {
  readonly entries: readonly BundleEntry[];
  readonly superseded: readonly BundleEntry[];
} {
  const newest = new Map<string, BundleEntry>();
  for (const entry of entries) {
    const key = `${entry.type}/${entry.id}`;
    const held = newest.get(key);
    if (held === undefined || !isOlder(entry, held)) newest.set(key, entry);
  }
  const kept = new Set(newest.values());
  if (kept.size === entries.length) return { entries, superseded: [] };
  return {
    entries: entries.filter((entry) => kept.has(entry)),
    superseded: entries.filter((entry) => !kept.has(entry)),
  };
}

function isOlder({ lastUpdatedMs: own }: BundleEntry, { lastUpdatedMs: held }: BundleEntry) {
  return own !== undefined && held !== undefined && own < held;
}
