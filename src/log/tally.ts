import { LIMITS } from '../kernel/limits.ts';
import type { BundleEntry } from '../twin/fhir/records.ts';
import type { Position, Refusal } from '../twin/fhir/refusal.ts';
import type { EntryOutcome, IntakeReceipt, Place } from '../twin/ports.ts';

export type Verdict = 'accepted' | 'unchanged' | 'stale';

/** A receipt while it grows. */
export interface Tally {
  readonly counts: Record<Verdict | 'waiting' | 'resumed' | 'refused', number>;
  readonly members: Map<string, string>;
  readonly ignored: Record<string, number>;
  readonly places: Map<number, Place>;
  readonly entries: EntryOutcome[];
  /** By which waiting records may find what they need. */
  readonly arrived: Set<string>;
}

export function newTally(): Tally {
  return {
    counts: { accepted: 0, unchanged: 0, stale: 0, waiting: 0, resumed: 0, refused: 0 },
    members: new Map(),
    ignored: {},
    places: new Map(),
    entries: [],
    arrived: new Set(),
  };
}

export function countVerdict(tally: Tally, entry: BundleEntry, verdict: Verdict): void {
  tally.counts[verdict] += 1;
  if (verdict !== 'stale') return;
  tally.entries.push({ ...whereOf(entry), outcome: 'stale', type: entry.type });
}

export function countRefusal(
  tally: Tally,
  refusal: Refusal,
  outcome: 'waiting' | 'refused' = 'refused',
): void {
  const { at = { index: 0 }, type, path, reason, says } = refusal;
  tally.counts[outcome] += 1;
  tally.entries.push({ ...whereOf(at), outcome, type, path, reason, says });
}

export function countPlaces(tally: Tally, places: readonly Place[]): void {
  for (const place of places) tally.places.set(place.partition, place);
}

export function addTally(to: Tally, more: Tally): void {
  for (const name of Object.keys(more.counts) as (keyof Tally['counts'])[]) {
    to.counts[name] += more.counts[name];
  }
  for (const [member, patient] of more.members) to.members.set(member, patient);
  for (const [type, count] of Object.entries(more.ignored)) {
    to.ignored[type] = (to.ignored[type] ?? 0) + count;
  }
  countPlaces(to, [...more.places.values()]);
  for (const outcome of more.entries) to.entries.push(outcome);
  for (const need of more.arrived) to.arrived.add(need);
}

export function receiptOf({ counts, members, ignored, places, entries }: Tally): IntakeReceipt {
  return {
    ...counts,
    entries: entries.slice(0, LIMITS.entriesToldMax),
    members: [...members].map(([member, patient]) => ({ member, patient })),
    ignored,
    places: [...places.values()],
  };
}

function whereOf({ index, line }: Position): Pick<EntryOutcome, 'line' | 'entry'> {
  return { ...(line !== undefined && { line }), entry: index };
}
