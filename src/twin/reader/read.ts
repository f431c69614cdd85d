import type { BreakGlassBanner } from '../../contract/break-glass.ts';
import { parseUri, type TwinUri } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Place, Principal, Subject } from '../ports.ts';
import { authorize, type Grant } from './authorize.ts';
import { bannerOf, bannersAround, heldMs, memberIn } from './break-glass.ts';
import { readChanges } from './changes.ts';
import { withReadableCitations } from './cited.ts';
import { derive, isDerived } from './derived.ts';
import { load, subjectOfUri } from './load.ts';
import type { Answer, Caller, Derived, ReaderParts, ReadOptions } from './parts.ts';
import { requireToken, withheldAt } from './shown.ts';

/**
 * How long a client may hold a document without asking again, milliseconds. Changes are pushed, so
 * this only bounds how long a client's own cache outlives a revocation.
 */
export const DOCUMENT_TTL_MS = 10_000;
/** A session moves with every answer; the others nobody is told of. */
const UNPUSHED: ReadonlySet<string> = new Set(['session', 'access-log', 'panel']);

/**
 * The one door: canonical URI, scope, permission, position, load, audit, and only then the answer.
 * @throws Fault NOT_FOUND for whatever is not there or not allowed, in the same words.
 */
export async function read(
  parts: ReaderParts,
  caller: Caller,
  rawUri: string,
  options: ReadOptions = {},
): Promise<Answer> {
  const uri = parseUri(rawUri);
  if (uri !== null && memberIn(uri) === undefined) {
    const work = () => readAt(parts, caller, rawUri, uri, options);
    const { result, breakGlass } = await bannersAround(parts, caller.principal, work);
    return { ...result, ...shownIn(breakGlass) };
  }
  return await readAt(parts, caller, rawUri, uri, options);
}

async function readAt(
  parts: ReaderParts,
  caller: Caller,
  rawUri: string,
  uri: TwinUri | null,
  options: ReadOptions,
): Promise<Answer> {
  if (uri === null) return await refuse(parts, caller, rawUri, options, 'not canonical');
  await requireShown(parts, caller, rawUri, uri, options);
  // Waiting comes first: the decision is then as new as can be, and says nothing of existence.
  const behind = await reachAlive(parts, caller, rawUri, uri, options);
  options.signal?.throwIfAborted();
  if (uri.kind === 'changes') {
    const page = await readChanges(parts, caller, rawUri, uri.cursor);
    return { ...page, withheld: withheldAt(caller.principal, uri), behind };
  }
  const grant = await authorize(parts, caller.principal, uri);
  if (!grant.allowed) return await refuse(parts, caller, rawUri, options, grant.why);
  const place = placeNow(parts, uri);
  const loaded = await loadOrDerive(parts, caller, uri, grant);
  if (loaded === undefined) return await refuse(parts, caller, rawUri, options, 'absent');
  const withheld = withheldAt(caller.principal, uri);
  const banners = bannersAt(parts, caller.principal, uri, grant);
  const made = envelope(parts, caller, grant, loaded, place, behind);
  const ttlMs = heldMs(made.ttlMs, banners, parts.clock.now());
  const answer = { ...made, ttlMs, withheld, ...shownIn(banners) };
  await parts.audit.append({
    action: options.action ?? 'read',
    outcome: 'success',
    ...caller,
    what: [{ uri: loaded.uri, etag: loaded.etag, variant: grant.variant }, ...loaded.disclosed],
    why: grant.why,
  });
  parts.receipts.note(caller.principal, loaded.uri, loaded.etag);
  return answer;
}

/** What a token is not for is refused before anything is looked up; a purpose is in the audit. */
async function requireShown(
  parts: ReaderParts,
  caller: Caller,
  rawUri: string,
  uri: TwinUri,
  { action = 'read' }: ReadOptions,
): Promise<void> {
  try {
    requireToken(caller.principal, uri);
  } catch (error) {
    if (error instanceof Fault && error.code === 'PURPOSE_REFUSED') {
      const what = [{ uri: rawUri }];
      const why = 'purpose of use';
      await parts.audit.append({ action, outcome: 'denied', ...caller, what, why });
    }
    throw error;
  }
}

/** Of a document of one member, by the decision itself. */
function bannersAt(
  parts: ReaderParts,
  principal: Principal,
  uri: TwinUri,
  { emergency = false }: Grant,
): BreakGlassBanner[] {
  const member = memberIn(uri);
  return emergency && member !== undefined ? [bannerOf(parts, principal, member)] : [];
}

function shownIn(breakGlass: readonly BreakGlassBanner[]) {
  return breakGlass.length === 0 ? {} : { breakGlass };
}

/** Taken before the document, which is then at or after the position that goes with it. */
export function placeNow(parts: Pick<ReaderParts, 'view'>, uri: TwinUri): Place {
  const partition = parts.view.partitionOf(subjectOfUri(uri) as Subject);
  return { partition, offset: parts.view.for(partition).applied(partition) };
}

async function loadOrDerive(
  parts: ReaderParts,
  { principal }: Caller,
  uri: TwinUri,
  grant: Grant,
): Promise<Derived | undefined> {
  if (isDerived(uri)) return await derive(parts, principal, uri);
  const loaded = load(parts.view, parts.etagKey, uri, grant.variant);
  if (loaded === undefined) return undefined;
  if (uri.kind !== 'session') return { ...loaded, disclosed: [] };
  return { ...(await withReadableCitations(parts, principal, loaded)), disclosed: [] };
}

function envelope(
  parts: ReaderParts,
  { principal }: Caller,
  grant: Grant,
  loaded: Derived,
  place: Place,
  behind: boolean,
): Answer {
  const { uri, etag, section, data, notices, title } = loaded;
  const position = parts.positions.encode({ epoch: parts.view.epoch, places: [place] });
  const tokenLeftMs = Math.max(0, principal.expiresAtMs - parts.clock.now());
  return {
    document: { uri, etag, position, asOf: loaded.recorded, section, data, notices: [...notices] },
    title,
    variant: grant.variant,
    ttlMs: Math.floor(Math.min(UNPUSHED.has(section) ? 0 : DOCUMENT_TTL_MS, tokenLeftMs)),
    behind,
    place,
  };
}

/** A token that was good when the wait began, and no longer is, shows nothing (promise P1). */
async function reachAlive(...asked: Parameters<typeof reach>): Promise<boolean> {
  const [{ clock }, { principal }] = asked;
  const wasAlive = principal.expiresAtMs > clock.now();
  const behind = await reach(...asked);
  if (wasAlive && principal.expiresAtMs <= clock.now()) throw new Fault('UNAUTHENTICATED');
  return behind;
}

/** Who reads did not name the floor: that the log has been set back is no fault of theirs. */
function notReached(error: unknown): false {
  if (error instanceof Fault && error.data?.pastEnd === true) return false;
  throw error;
}

/** Waits for the asked position and for the floor; answers whether older data is returned. */
async function reach(
  parts: ReaderParts,
  { principal }: Caller,
  rawUri: string,
  uri: TwinUri,
  { minPosition, allowBehind = false, signal }: ReadOptions,
): Promise<boolean> {
  const floor = await parts.floors.of(principal, rawUri);
  const wanted = minPosition === undefined ? [] : placesOf(parts, uri, minPosition);
  const places = floor === undefined ? wanted : [...wanted, floor];
  const until = parts.clock.monotonic() + parts.readWaitMs;
  for (const place of places) {
    const leftMs = Math.max(0, until - parts.clock.monotonic());
    const waiting = parts.view.waitFor(place, leftMs);
    const reached = place === floor ? waiting.catch(notReached) : waiting;
    if (await unlessGone(signal, reached)) continue;
    if (allowBehind) return true;
    throw new Fault('VIEW_BEHIND', { data: { retryAfterMs: parts.readWaitMs } });
  }
  return false;
}

/** @throws the signal's reason as soon as it is aborted, without waiting for the work. */
function unlessGone<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', gone, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone));
  });
}

function placesOf(parts: ReaderParts, uri: TwinUri, minPosition: string): readonly Place[] {
  const position = parts.positions.decode(minPosition);
  if (position.epoch !== parts.view.epoch) {
    throw new Fault('INVALID_ARGUMENT', {
      detail: 'The position is of an earlier log: there is a gap, read again without it.',
      data: { gap: true },
    });
  }
  const subject = subjectOfUri(uri);
  // The change feed and a panel span all partitions.
  if (subject === undefined || uri.kind === 'practitioner') return position.places;
  const partition = parts.view.partitionOf(subject);
  return position.places.filter((place) => place.partition === partition);
}

/** Denied looks like absent: one error, with the URI as it was given. */
async function refuse(
  parts: ReaderParts,
  caller: Caller,
  rawUri: string,
  options: ReadOptions,
  why: string,
): Promise<never> {
  const what = [{ uri: rawUri }];
  await parts.audit.append({
    action: options.action ?? 'read',
    outcome: 'denied',
    ...caller,
    what,
    why,
  });
  throw new Fault('NOT_FOUND', { data: { uri: rawUri } });
}
