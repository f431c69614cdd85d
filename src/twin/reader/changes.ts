import type { Change, ChangesPage } from '../../contract/documents.ts';
import { mayReadAnything } from '../../contract/scopes.ts';
import { formatUri, parseUri } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { canonicalJson, isObject, type JsonObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { wrongCursor } from '../cursor.ts';
import { etagOf } from '../etag.ts';
import type { Place, Principal, Subject, ViewChange } from '../ports.ts';
import { authorizeAll } from './authorize.ts';
import type { Answer, Caller, ReaderParts } from './parts.ts';
import { isOfReadable, readablePractitioners } from './practitioners.ts';
import { type ReadableSections, readableMembers } from './readable.ts';
import { requireToken, withinToken } from './shown.ts';

/** The change feed's first cursors (contract "cursor"). */
const NOW = 'now';
const START = 'start';
const FEED = 'mcp://twins/changes/';

/** Rows of a partition's changes that are looked at in one go, and how often for one page. */
const SCAN_ROWS = 1_000;
const SCANS_MAX = 50;

interface FeedPlace {
  readonly after: ReadonlyMap<number, number>;
  readonly reset: boolean;
}

/** What changed since the cursor, for this caller: the pull twin of every push. */
export async function changes(
  parts: ReaderParts,
  caller: Caller,
  cursor: string,
): Promise<ChangesPage> {
  const { principal } = caller;
  if (!mayReadAnything(principal.scopes)) {
    throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes: ['twin:read'] } });
  }
  requireToken(principal, { kind: 'changes', cursor });
  const applied = appliedPlaces(parts);
  const from =
    cursor === NOW ? { after: applied, reset: false } : openCursor(parts, caller, cursor);
  const quiet = cursor === NOW || from.reset;
  const page = quiet
    ? { list: [], after: applied, more: false }
    : await since(parts, caller, from, applied);
  const gone = quiet || page.more ? [] : await noLongerReadable(parts, principal);
  await parts.audit.append({
    action: 'changes',
    outcome: 'success',
    ...caller,
    what: page.list.map(({ uri, etag }) => ({ uri, ...(etag !== undefined && { etag }) })),
    why: 'view permissions by lookup',
  });
  return {
    changes: [...page.list, ...gone],
    next: sealPlace(parts, principal, page.after),
    more: page.more,
    ...(from.reset && { reset: true }),
  };
}

/** The feed as a resource: `mcp://twins/changes/{cursor}`. */
export async function readChanges(
  parts: ReaderParts,
  caller: Caller,
  uri: string,
  cursor: string,
): Promise<Answer> {
  const page = await changes(parts, caller, cursor);
  const data = { ...page } as unknown as JsonObject;
  const places = [...appliedPlaces(parts)].map(([partition, offset]) => ({ partition, offset }));
  const etag = etagOf(parts.etagKey, {
    uri,
    variant: 'general',
    fields: 'all',
    projection: 0,
    data: { changes: canonicalJson(page.changes) },
    notices: [],
  });
  return {
    document: {
      uri,
      etag,
      position: parts.positions.encode({ epoch: parts.view.epoch, places }),
      asOf: new Date(parts.clock.now()).toISOString(),
      section: 'changes',
      data,
      notices: [],
    },
    title: 'Changes',
    variant: 'general',
    ttlMs: 0,
    behind: false,
    place: places[0] ?? { partition: 0, offset: -1 },
  };
}

/** Whether a change is one that the caller, by these sections, may know of. */
export function mayKnow(
  readable: ReadonlyMap<string, ReadableSections>,
  { subject, section, variant }: Pick<ViewChange, 'subject' | 'section' | 'variant'>,
): boolean {
  const sections: ReadonlyMap<string, string> | undefined = readable.get(subject.id);
  return subject.kind === 'member' && sections?.get(section) === variant;
}

async function since(
  parts: ReaderParts,
  { principal }: Caller,
  from: FeedPlace,
  applied: ReadonlyMap<number, number>,
): Promise<{ list: Change[]; after: ReadonlyMap<number, number>; more: boolean }> {
  const readable = await readableMembers(parts, principal);
  const practitioners = await readablePractitioners(parts, principal);
  const subjects: Subject[] = [
    ...[...readable.keys()].map((id) => ({ kind: 'member', id }) as const),
    ...[...practitioners.keys()].map((id) => ({ kind: 'practitioner', id }) as const),
  ];
  const { page, scanned, more } = visiblePage(
    from.after,
    (after) => {
      // What is applied meanwhile belongs to the next page: here it would be told twice.
      const query = { subjects, after, upTo: applied, limit: SCAN_ROWS };
      return parts.view.shards().flatMap((shard) => shard.changes(query));
    },
    (change) => mayKnow(readable, change) || isOfReadable(practitioners, principal, change),
  );
  const newest = new Map<string, ViewChange>();
  for (const change of page) {
    newest.delete(change.uri);
    newest.set(change.uri, change);
  }
  const list = [...newest.values()].map((change) => asChange(parts, change));
  return { list, after: more ? scanned : applied, more };
}

/**
 * A page of what may be known, whole offsets only, and whether any more of that is there: rows
 * that may not be known must not show, not even as a page that is shorter or a `more` (P1).
 */
function visiblePage(
  from: ReadonlyMap<number, number>,
  rowsAfter: (after: ReadonlyMap<number, number>) => readonly ViewChange[],
  mayBeKnown: (change: ViewChange) => boolean,
): { page: readonly ViewChange[]; scanned: ReadonlyMap<number, number>; more: boolean } {
  const visible: ViewChange[] = [];
  let after = from;
  for (let scans = 0; scans < SCANS_MAX; scans += 1) {
    const rows = rowsAfter(after);
    visible.push(...rows.filter(mayBeKnown));
    after = reached(after, rows);
    const last = visible[LIMITS.pageSize - 1]?.place;
    const end = last && visible.findIndex(({ place }) => isAfter(place, last));
    if (end !== undefined && end > 0) {
      const page = visible.slice(0, end);
      return { page, scanned: reached(from, page), more: true };
    }
    if (rows.length < SCAN_ROWS) return { page: visible, scanned: after, more: false };
  }
  return { page: visible, scanned: after, more: true };
}

function isAfter(a: Place, b: Place): boolean {
  return a.partition !== b.partition ? a.partition > b.partition : a.offset > b.offset;
}

/** Where a page that was cut ends: rows come by partition and offset, whole offsets only. */
function reached(
  from: ReadonlyMap<number, number>,
  found: readonly ViewChange[],
): ReadonlyMap<number, number> {
  const after = new Map(from);
  for (const { place } of found) after.set(place.partition, place.offset);
  return after;
}

function asChange(parts: ReaderParts, { uri, etag, kind, place }: ViewChange): Change {
  const position = positionOf(parts, place);
  return { uri, ...(etag !== '' && { etag }), position, kind };
}

/** Said once: what is named here is forgotten. */
async function noLongerReadable(parts: ReaderParts, principal: Principal): Promise<Change[]> {
  const lost = await lostSinceRead(parts, principal);
  for (const uri of lost) parts.receipts.forget(principal, uri);
  const now = parts.positions.encode({ epoch: parts.view.epoch, places: [] });
  return lost.map((uri) => ({ uri, position: now, kind: 'no-longer-readable' as const }));
}

/** Only what this caller has read lately is named, so nobody learns of what they never saw. */
export async function lostSinceRead(parts: ReaderParts, principal: Principal): Promise<string[]> {
  const read = [...parts.receipts.of(principal).keys()];
  // A token for less has lost nothing: another of the same principal goes on reading the rest.
  const uris = read
    .map(parseUri)
    .filter((uri) => uri !== null)
    .filter((uri) => withinToken(principal, uri));
  const grants = await authorizeAll(parts, principal, uris);
  return uris.filter((_, index) => grants[index]?.allowed === false).map(formatUri);
}

/**
 * The feed from a position on, for who was told of that and then missed something: the partitions
 * of the position from there, the others from now. Without one that counts, from the start.
 */
export function feedAfter(parts: ReaderParts, principal: Principal, position?: string): string {
  const known = position === undefined ? undefined : decoded(parts, position);
  if (known === undefined || known.epoch !== parts.view.epoch) return `${FEED}${START}`;
  const after = appliedPlaces(parts);
  for (const { partition, offset } of known.places) {
    after.set(partition, Math.min(offset, after.get(partition) ?? -1));
  }
  return `${FEED}${sealPlace(parts, principal, after)}`;
}

function decoded({ positions }: ReaderParts, position: string) {
  try {
    return positions.decode(position);
  } catch {
    return undefined;
  }
}

/** Whether a page after this cursor would hold something; nothing is shown, so nothing is audited. */
export async function hasNews(
  parts: ReaderParts,
  caller: Caller,
  cursor: string,
): Promise<boolean> {
  if ((await lostSinceRead(parts, caller.principal)).length > 0) return true;
  if (cursor === NOW) return false;
  const from = openCursor(parts, caller, cursor);
  if (from.reset) return true;
  const { list, more } = await since(parts, caller, from, appliedPlaces(parts));
  return list.length > 0 || more;
}

function openCursor(parts: ReaderParts, { principal }: Caller, cursor: string): FeedPlace {
  if (cursor === START) return { after: new Map(), reset: false };
  const payload = parts.cursors.open('changes', principal, cursor);
  if (payload === 'expired' || payload.epoch !== parts.view.epoch) {
    return { after: new Map(), reset: true };
  }
  if (!isObject(payload.after)) throw wrongCursor();
  const after = Object.entries(payload.after).map(([p, o]) => [Number(p), Number(o)] as const);
  return { after: new Map(after), reset: false };
}

/** Whether this server gave the cursor to this principal; an expired one counts. */
export function isOwnCursor(parts: ReaderParts, principal: Principal, cursor: string): boolean {
  if (cursor === NOW || cursor === START) return true;
  try {
    parts.cursors.open('changes', principal, cursor);
    return true;
  } catch {
    return false;
  }
}

function sealPlace(
  parts: ReaderParts,
  principal: Principal,
  after: ReadonlyMap<number, number>,
): string {
  const payload = { epoch: parts.view.epoch, after: Object.fromEntries(after) };
  return parts.cursors.seal('changes', principal, payload);
}

function appliedPlaces({ view }: ReaderParts): Map<number, number> {
  const partitions = Array.from({ length: view.partitions }, (_, partition) => partition);
  return new Map(partitions.map((p) => [p, view.for(p).applied(p)]));
}

export function positionOf(parts: Pick<ReaderParts, 'positions' | 'view'>, place: Place): string {
  return parts.positions.encode({ epoch: parts.view.epoch, places: [place] });
}
