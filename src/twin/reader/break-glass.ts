import type { BreakGlassBanner } from '../../contract/break-glass.ts';
import type { TwinUri } from '../../contract/uris.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { casesAbout, isOpen } from '../break-glass.ts';
import type { CheckItem, Principal } from '../ports.ts';
import { memberObject } from '../subjects.ts';
import type { ReaderParts } from './parts.ts';

/**
 * While a person's case on a member is open, every answer about that member says so, whatever other
 * right would do as well: an answer has one banner or none by one fact, which anybody can tell, and
 * not by which of several rights the engine happened to find. The fact is the relation itself, asked
 * at the revision of the decision beside it, so that no read by it is without its banner; the case
 * record only adds id, reason and end.
 */
export function emergencyOn(member: string): CheckItem {
  return { permission: 'emergency', object: memberObject(member) };
}

/** The member whose section, record or log stands at a URI; of the rest several may be in it. */
export function memberIn(uri: TwinUri): string | undefined {
  return 'member' in uri ? uri.member : undefined;
}

type Parts = Pick<ReaderParts, 'access' | 'view' | 'clock'>;

/** For what may be of many members (lists, search, chat, feeds): all that is open to the person. */
export async function bannersFor(parts: Parts, principal: Principal): Promise<BreakGlassBanner[]> {
  if (principal.kind !== 'user') return [];
  const members = await parts.access.lookup(principal, 'emergency', 'member');
  return members
    .slice(0, LIMITS.breakGlass.bannersMax)
    .map((member) => bannerOf(parts, principal, member));
}

/**
 * The same around some work, asked before and after it: a case that ends or begins meanwhile may
 * have been what something in the result rests on.
 */
export async function bannersAround<T>(
  parts: Parts,
  principal: Principal,
  work: () => Promise<T>,
): Promise<{ result: T; breakGlass: BreakGlassBanner[] }> {
  const before = await bannersFor(parts, principal);
  const result = await work();
  const after = await bannersFor(parts, principal);
  const members = new Set(after.map(({ member }) => member));
  return { result, breakGlass: [...after, ...before.filter((one) => !members.has(one.member))] };
}

export function bannerOf(
  { view, clock }: Omit<Parts, 'access'>,
  { subject, tenant }: Principal,
  member: string,
): BreakGlassBanner {
  const nowMs = clock.now();
  const open = casesAbout(view, member).find(
    (one) => one.person === subject && one.tenant === tenant && isOpen(one, nowMs),
  );
  if (open === undefined) return { member };
  const { id, reason, until } = open;
  return { member, id, reason, until };
}

/** How long an answer may be held: never past the end of what it rests on, milliseconds. */
export function heldMs(ttlMs: number, banners: readonly BreakGlassBanner[], nowMs: number): number {
  const ends = banners.map(({ until }) => (until === undefined ? nowMs : Date.parse(until)));
  return Math.floor(Math.max(0, Math.min(ttlMs, ...ends.map((end) => end - nowMs))));
}
