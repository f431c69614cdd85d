import { LIMITS } from '../kernel/limits.ts';
import type { BundleEntry, Homeless } from '../twin/fhir/records.ts';
import { refused } from '../twin/fhir/refusal.ts';
import { apart, decideBundle, type Said } from './decider.ts';
import { etagsOf, type IntakeParts, knownOf } from './intake-parts.ts';
import { countPlaces, countRefusal, countVerdict, newTally, type Tally } from './tally.ts';
import type { Waiting } from './waiting.ts';

/** Of an entry that leads nowhere yet: it waits for what it needs, or is refused. */
export function holdHomeless(
  { room }: IntakeParts,
  { tenant, eventId, provenance: { source, actor } }: Said,
  { refusal, entry }: Homeless,
  at: number,
  tally: Tally,
): void {
  const { needs } = refusal;
  const waiting = { tenant, source, actor, eventId, entry, at };
  // A command is decided now: what it says of the present version is old by the time it could be.
  const isCommand = entry.precondition !== undefined;
  const held = isCommand || needs.length === 0 ? 'useless' : room.hold(waiting, needs);
  if (held === 'useless') countRefusal(tally, refusal);
  else if (held === 'stale') countVerdict(tally, entry, 'stale');
  else if (held === 'waiting') countRefusal(tally, refusal, 'waiting');
  else countRefusal(tally, noRoom(entry));
}

function noRoom(entry: BundleEntry) {
  const says = 'It refers to what is not known, and too many records wait already; send it later.';
  return refused({ at: entry, type: entry.type, path: '', reason: 'no-room', says });
}

/** Whose submission let them in, and its receipt. */
interface Waker {
  readonly by: Said;
  readonly total: Tally;
}

/**
 * Tries again what is ready, a bounded number, in the caller's transaction; what comes in may let
 * in others.
 * @returns whether more may be ready
 */
export function wake(parts: IntakeParts, at: number, waker?: Waker): boolean {
  let left: number = LIMITS.wakeRecordsMax;
  while (left > 0) {
    const ready = parts.room.ready(left);
    if (ready.length === 0) return false;
    left -= ready.length;
    const groups = Map.groupBy(ready, ({ tenant, source, actor, eventId }) =>
      JSON.stringify([tenant, source, actor, eventId]),
    );
    for (const group of groups.values()) wakeGroup(parts, group, at, waker);
  }
  return true;
}

function wakeGroup(
  parts: IntakeParts,
  group: readonly Waiting[],
  at: number,
  waker: Waker | undefined,
): void {
  const [first] = group;
  if (first === undefined) return;
  const { tenant, source, actor, eventId } = first;
  const provenance = { source, actor, recorded: new Date(at).toISOString() };
  const by: Said = { tenant, eventId, provenance, etagsOf: etagsOf(parts) };
  const { state, reader, room, refusals } = parts;
  const numbers = new Map(group.map(({ entry, number }) => [keyOf(entry), number]));
  const tally = newTally();
  const entries = group.map(({ entry }) => entry);
  const { addressed, homeless } = reader.addressEach(entries, knownOf(parts, by));
  decideBundle(state, by, addressed, tally, apart(state));
  for (const { refusal, entry } of homeless) {
    const number = numbers.get(keyOf(entry));
    if (number === undefined || refusal.needs.length === 0) countRefusal(tally, refusal);
    else {
      room.wait(number, refusal.needs);
      numbers.delete(keyOf(entry));
    }
  }
  for (const number of numbers.values()) room.leave(number);
  refusals.keep(
    by,
    at,
    tally.entries.filter(({ outcome }) => outcome === 'refused'),
  );
  room.arrived(tenant, tally.arrived);
  if (waker !== undefined) tellWaker(waker, by, tally);
}

/** What the same submission had to let wait is no longer waiting in its receipt. */
function tellWaker({ by, total }: Waker, woken: Said, { counts, places, entries, members }: Tally) {
  countPlaces(total, [...places.values()]);
  for (const [member, patient] of members) total.members.set(member, patient);
  total.counts.resumed += counts.accepted;
  if (woken.tenant !== by.tenant || woken.eventId !== by.eventId) return;
  total.counts.waiting -= counts.accepted + counts.unchanged + counts.stale + counts.refused;
  total.counts.refused += counts.refused;
  for (const outcome of entries) total.entries.push(outcome);
}

/** Refuses what has waited for too long, a bounded number, and answers how many. */
export function sweep({ room, refusals }: IntakeParts, at: number): number {
  const overdue = room.overdue(at - LIMITS.waitingMs, LIMITS.wakeRecordsMax);
  for (const { number, entry, ...by } of overdue) {
    const { type, index, line } = entry;
    const where = { ...(line !== undefined && { line }), entry: index };
    const outcome = { ...where, type, path: '', reason: 'overdue', outcome: 'refused' } as const;
    refusals.keep({ ...by, provenance: by }, at, [outcome]);
    room.leave(number);
  }
  return overdue.length;
}

function keyOf({ type, id }: BundleEntry): string {
  return `${type}/${id}`;
}
