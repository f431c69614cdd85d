import { parseUri, type TwinUri } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Place, Subject } from '../ports.ts';
import { authorize, type Grant, requireScope } from './authorize.ts';
import { readChanges } from './changes.ts';
import { type Loaded, load, subjectOfUri } from './load.ts';
import type { Answer, Caller, ReaderParts, ReadOptions } from './parts.ts';

/**
 * How long a client may hold a document without asking again, milliseconds. Changes are pushed, so
 * this only bounds how long a client's own cache outlives a revocation.
 */
const DOCUMENT_TTL_MS = 10_000;
/** A session moves with every answer. */
const SESSION_TTL_MS = 0;

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
  if (uri === null) return await refuse(parts, caller, rawUri, options, 'not canonical');
  requireScope(caller.principal, uri);
  // Waiting comes first: the decision is then as new as can be, and says nothing of existence.
  const behind = await reach(parts, caller, rawUri, uri, options);
  if (uri.kind === 'changes') {
    return { ...(await readChanges(parts, caller, rawUri, uri.cursor)), behind };
  }
  const grant = await authorize(parts, caller.principal, uri);
  if (!grant.allowed) return await refuse(parts, caller, rawUri, options, grant.why);
  const { place, loaded } = loadAt(parts, uri, grant);
  if (loaded === undefined) return await refuse(parts, caller, rawUri, options, 'absent');
  const answer = envelope(parts, caller, grant, loaded, place, behind);
  await parts.audit.append({
    action: options.action ?? 'read',
    outcome: 'success',
    ...caller,
    what: [{ uri: loaded.uri, etag: loaded.etag, variant: grant.variant }],
    why: grant.why,
  });
  parts.receipts.note(caller.principal, loaded.uri, loaded.etag);
  return answer;
}

/** The place is taken first, so the document is at or after the position that goes with it. */
function loadAt(
  parts: ReaderParts,
  uri: TwinUri,
  grant: Grant,
): { place: Place; loaded: Loaded | undefined } {
  const partition = parts.view.partitionOf(subjectOfUri(uri) as Subject);
  const place = { partition, offset: parts.view.for(partition).applied(partition) };
  return { place, loaded: load(parts.view, parts.etagKey, uri, grant.variant) };
}

function envelope(
  parts: ReaderParts,
  { principal }: Caller,
  grant: Grant,
  loaded: Loaded,
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
    ttlMs: Math.floor(
      Math.min(section === 'session' ? SESSION_TTL_MS : DOCUMENT_TTL_MS, tokenLeftMs),
    ),
    behind,
    place,
  };
}

/** Waits for the asked position and for the floor; answers whether older data is returned. */
async function reach(
  parts: ReaderParts,
  { principal }: Caller,
  rawUri: string,
  uri: TwinUri,
  { minPosition, allowBehind = false }: ReadOptions,
): Promise<boolean> {
  const floor = parts.floors.of(principal, rawUri);
  const wanted = minPosition === undefined ? [] : placesOf(parts, uri, minPosition);
  const places = floor === undefined ? wanted : [...wanted, floor];
  for (const place of places) {
    if (await parts.view.waitFor(place, parts.readWaitMs)) continue;
    if (allowBehind) return true;
    throw new Fault('VIEW_BEHIND', { data: { retryAfterMs: parts.readWaitMs } });
  }
  return false;
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
  // The change feed spans all partitions.
  if (subject === undefined) return position.places;
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
