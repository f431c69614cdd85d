import type { KeptRow, RowPlace } from './rows.ts';

/** The order of all rows: by time, then by generation and index. */
export function byPlace(a: RowPlace, b: RowPlace): number {
  if (a.at !== b.at) return a.at - b.at;
  if (a.generation !== b.generation) return a.generation < b.generation ? -1 : 1;
  return a.index - b.index;
}

/** The first of several lists in one order, each row once; the first list's where two have one. */
export function merged(
  lists: readonly (readonly KeptRow[])[],
  order: (a: KeptRow, b: KeptRow) => number,
  limit: number,
): KeptRow[] {
  const [only, ...others] = lists;
  if (only !== undefined && others.length === 0) return [...only];
  const seen = new Map<string, KeptRow>();
  for (const row of lists.flat()) {
    const place = `${row.generation} ${row.index}`;
    if (!seen.has(place)) seen.set(place, row);
  }
  return [...seen.values()].sort(order).slice(0, limit);
}
