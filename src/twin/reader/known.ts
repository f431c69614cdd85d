import type { Variant } from '../../contract/documents.ts';
import { ID_PATTERN, isSection, type TwinUri } from '../../contract/uris.ts';
import type { Place, Principal, ViewShard } from '../ports.ts';
import { authorize, type Grant, grantKnown } from './authorize.ts';
import type { Caller, ReaderParts } from './parts.ts';
import { DOCUMENT_TTL_MS } from './read.ts';
import { shownOf } from './shown.ts';

/** A document as text, cut where its position stands: `${before}${position}${after}` is its JSON. */
export interface DocumentText {
  readonly uri: string;
  readonly etag: string;
  readonly before: string;
  readonly after: string;
}

/** What a read comes to that nothing had to be asked for. */
export interface KnownRead {
  readonly document: DocumentText;
  readonly position: string;
  readonly ttlMs: number;
}

export interface KnownReader {
  /**
   * The read of a section document that may be shown as it stands, once its audit record is durable:
   * what `read` would answer at this moment. `undefined` for everything else, refusals included, of
   * which nothing was audited or counted; a decision that was asked for meanwhile is known to `read`.
   */
  read(caller: Caller, rawUri: string): Promise<KnownRead | undefined> | undefined;
}

/** Characters of documents that are kept as text, about a third of that in members. */
const TEXTS_CHARS_MAX = 128 * 1024 * 1024;
const PREFIX = 'mcp://twins/member/';

type SectionUri = TwinUri & { readonly kind: 'section' };

/** The one door for what has been through it before: the same rules, on what they gave last. */
export function createKnownReader(parts: ReaderParts): KnownReader {
  const { clock, audit, receipts, onRead } = parts;
  const texts = new Texts();
  const placeOf = createPlaces(parts);

  /** All of it in one turn of the event loop, up to the record. */
  const show = (
    caller: Caller,
    rawUri: string,
    uri: SectionUri,
    grant: Grant | undefined,
  ): Promise<KnownRead> | undefined => {
    const { principal } = caller;
    // With break-glass each answer says so, which is the door's to do.
    if (grant?.allowed !== true || grant.emergency === true) return undefined;
    const { place, position, shard, commits } = placeOf(uri);
    if (!hasReached(parts, principal, rawUri, place)) return undefined;
    const { variant, why } = grant;
    const document = texts.find(shard, commits, rawUri, variant);
    const tokenLeftMs = principal.expiresAtMs - clock.now();
    if (document === undefined || tokenLeftMs <= 0) return undefined;
    const what = [{ uri: rawUri, etag: document.etag, variant }];
    const ttlMs = Math.floor(Math.min(DOCUMENT_TTL_MS, tokenLeftMs));
    return audit.append({ action: 'read', outcome: 'success', ...caller, what, why }).then(() => {
      receipts.note(principal, rawUri, document.etag);
      onRead?.(uri.section, 'success');
      return { document, position, ttlMs };
    });
  };

  return {
    read(caller, rawUri) {
      const { principal } = caller;
      const uri = sectionUri(rawUri);
      if (uri === undefined || shownOf(principal, uri.section) !== 'all') return undefined;
      const grant = grantKnown(parts, principal, uri);
      if (grant !== undefined) return show(caller, rawUri, uri, grant);
      // What SpiceDB cannot answer now is the door's to tell; it asks once more.
      return authorize(parts, principal, uri).then(
        () => show(caller, rawUri, uri, grantKnown(parts, principal, uri)),
        () => undefined,
      );
    },
  };
}

interface Standing {
  readonly shard: ViewShard;
  readonly commits: number;
  readonly place: Place;
  /** The place as clients are given it. */
  readonly position: string;
}

/** How far the view is in the partition of a subject: looked up once for each of its commits. */
function createPlaces(parts: ReaderParts): (uri: SectionUri) => Standing {
  const { view, positions } = parts;
  const known = new Map<number, Standing>();
  return (uri) => {
    const partition = view.partitionOf({ kind: 'member', id: uri.member });
    const shard = view.for(partition);
    const commits = shard.commits();
    const last = known.get(partition);
    if (last?.commits === commits && last.shard === shard) return last;
    const place = { partition, offset: shard.applied(partition) };
    const position =
      last?.place.offset === place.offset && last.shard === shard
        ? last.position
        : positions.encode({ epoch: view.epoch, places: [place] });
    const standing = { shard, commits, place, position };
    known.set(partition, standing);
    return standing;
  };
}

/** Whoever was told of a change sees no older data: a floor that stands is for the door itself. */
function hasReached(
  { floors }: ReaderParts,
  principal: Principal,
  uri: string,
  { partition, offset }: Place,
): boolean {
  const floor = floors.known(principal, uri);
  if (floor === undefined) return true;
  return floor !== 'unknown' && floor.partition === partition && floor.offset <= offset;
}

/** By its form alone, which is canonical where it fits (contract/uris.ts says the rest). */
function sectionUri(raw: string): SectionUri | undefined {
  if (!raw.startsWith(PREFIX)) return undefined;
  const slash = raw.indexOf('/', PREFIX.length);
  const member = raw.slice(PREFIX.length, slash);
  const section = raw.slice(slash + 1);
  if (slash < 0 || !isSection(section) || !ID_PATTERN.test(member)) return undefined;
  return { kind: 'section', member, section };
}

interface Held {
  readonly text: DocumentText;
  readonly recorded: string;
  /** Of the view when it was found to hold. */
  commits: number;
}

/** Documents as text, the least read first to go; each holds as long as the view has it so. */
class Texts {
  readonly #held = new Map<string, Held>();
  #chars = 0;

  find(shard: ViewShard, commits: number, uri: string, variant: Variant): DocumentText | undefined {
    const key = `${variant} ${uri}`;
    const held = this.#held.get(key);
    if (held !== undefined && this.#holds(held, commits, shard, uri, variant)) {
      this.#held.delete(key);
      this.#held.set(key, held);
      return held.text;
    }
    this.#forget(key);
    const found = shard.document(uri, variant);
    if (found === undefined) return undefined;
    const { etag, section, data, notices, recorded } = found;
    const json = JSON.stringify({
      uri,
      etag,
      position: '',
      asOf: recorded,
      section,
      data,
      notices,
    });
    const cut = json.indexOf(POSITION) + POSITION.length;
    const text = { uri, etag, before: json.slice(0, cut), after: json.slice(cut) };
    this.#keep(key, { text, recorded, commits });
    return text;
  }

  #holds(held: Held, commits: number, shard: ViewShard, uri: string, variant: Variant): boolean {
    if (held.commits === commits) return true;
    const stamp = shard.stampOf(uri, variant);
    if (stamp?.etag !== held.text.etag || stamp.recorded !== held.recorded) return false;
    held.commits = commits;
    return true;
  }

  #keep(key: string, held: Held): void {
    this.#held.set(key, held);
    this.#chars += charsOf(held);
    for (const oldest of this.#held.keys()) {
      if (this.#chars <= TEXTS_CHARS_MAX) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    this.#chars -= charsOf(held);
  }
}

/** The first of its kind: neither a URI nor an etag has such quotes. */
const POSITION = '"position":"';

function charsOf({ text }: Held): number {
  return text.before.length + text.after.length;
}
