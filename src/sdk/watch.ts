import type { Client } from '@modelcontextprotocol/client';
import type { Change, ChangesPage } from '../contract/documents.ts';
import { META } from '../contract/meta.ts';
import { backOff } from './back-off.ts';
import { asTwinError } from './errors.ts';
import type { Connect } from './mcp.ts';
import { TwinError } from './twin-error.ts';

export interface Watched {
  readonly uri: string;
  /** Absent where no document stands behind the URI any more, or ever did (the change feed). */
  readonly etag?: string;
  /** Hand it back as `minPosition` to read at or after this change. */
  readonly position?: string;
  readonly kind: Change['kind'];
}

export type WatchState =
  | { readonly state: 'listening'; readonly uris: readonly string[] }
  | { readonly state: 'away'; readonly error: TwinError | undefined; readonly retryInMs: number };

export interface WatchOptions {
  readonly signal?: AbortSignal;
  readonly onState?: (state: WatchState) => void;
}

export interface WatchParts {
  readonly connect: Connect;
  readonly changes: (cursor: string) => Promise<ChangesPage>;
  readonly stateOf: (uri: string) => Promise<{ etag: string; position: string }>;
}

const ACKNOWLEDGE_MAX_MS = 10_000;
/** Pages of the change feed read in one go; past it, the documents themselves are read. */
const PAGES_MAX = 100;

/**
 * Tells of every change of these URIs until the signal aborts: by a listen stream, and for the time
 * between two streams by the change feed. The newest state of a URI is told once.
 * @throws TwinError when the server refuses for good: token, scope, or nothing that may be read.
 */
export async function watch(
  parts: WatchParts,
  uris: readonly string[],
  onChange: (change: Watched) => void,
  { signal = new AbortController().signal, onState = () => undefined }: WatchOptions,
): Promise<void> {
  const teller = new Teller(new Set(uris), onChange);
  let cursor: string | undefined;
  const waiting = backOff(signal);
  while (!signal.aborted) {
    let error: TwinError | undefined;
    try {
      cursor ??= (await parts.changes('now')).next;
      await using stream = await openStream(parts.connect, uris, teller, signal);
      // First the stream, then the feed: what changes in between is told by one of them.
      cursor = await catchUp(parts, uris, cursor, teller);
      teller.flow();
      waiting.reset();
      onState({ state: 'listening', uris: stream.granted });
      await stream.closed;
    } catch (thrown) {
      error = asTwinError(thrown);
      if (!signal.aborted && error.retry !== 'later') throw error;
    }
    teller.hold();
    if (signal.aborted) return;
    onState({ state: 'away', error, retryInMs: waiting.nextMs });
    await waiting.pause();
  }
}

/** Tells each state of a URI once; holds what the stream says until the feed has been read. */
class Teller {
  readonly #wanted: ReadonlySet<string>;
  readonly #onChange: (change: Watched) => void;
  readonly #told = new Map<string, string>();
  readonly #held = new Map<string, Watched>();
  #holding = true;

  constructor(wanted: ReadonlySet<string>, onChange: (change: Watched) => void) {
    this.#wanted = wanted;
    this.#onChange = onChange;
  }

  hold(): void {
    this.#holding = true;
  }

  flow(): void {
    this.#holding = false;
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const change of held) this.tell(change);
  }

  fromStream(change: Watched): void {
    if (!this.#wanted.has(change.uri)) return;
    if (this.#holding) this.#held.set(change.uri, change);
    else this.tell(change);
  }

  tell(change: Watched): void {
    const { uri, etag } = change;
    if (!this.#wanted.has(uri)) return;
    if (etag !== undefined && this.#told.get(uri) === etag) return;
    if (etag === undefined) this.#told.delete(uri);
    else this.#told.set(uri, etag);
    this.#onChange(change);
  }
}

interface Stream extends AsyncDisposable {
  readonly granted: readonly string[];
  readonly closed: Promise<unknown>;
}

async function openStream(
  connect: Connect,
  uris: readonly string[],
  teller: Teller,
  signal: AbortSignal,
): Promise<Stream> {
  const client: Client = await connect();
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    const { [META.etag]: etag, [META.position]: position } = params._meta ?? {};
    teller.fromStream({
      uri: params.uri,
      kind: 'updated',
      ...(typeof etag === 'string' && { etag }),
      ...(typeof position === 'string' && { position }),
    });
  });
  const close = (): Promise<void> => client.close();
  try {
    const filter = { resourceSubscriptions: [...uris] };
    const subscription = await client.listen(filter, { signal, timeout: ACKNOWLEDGE_MAX_MS });
    const granted = subscription.honoredFilter.resourceSubscriptions ?? [];
    if (granted.length === 0) throw new TwinError('NOT_FOUND');
    return { granted, closed: subscription.closed, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Tells what the feed says since the cursor, the newest state of each URI; answers the new cursor. */
async function catchUp(
  { changes, stateOf }: WatchParts,
  uris: readonly string[],
  cursor: string,
  teller: Teller,
): Promise<string> {
  const newest = new Map<string, Change>();
  let next = cursor;
  for (let pages = 1; ; pages += 1) {
    const page = await changes(next);
    next = page.next;
    for (const change of page.changes) newest.set(change.uri, change);
    if (page.reset === true || (page.more && pages === PAGES_MAX)) {
      await lookAgain(stateOf, uris, teller);
      return page.more ? (await changes('now')).next : next;
    }
    if (!page.more) break;
  }
  for (const { uri, etag, position, kind } of newest.values()) {
    teller.tell({ uri, position, kind, ...(etag !== undefined && { etag }) });
  }
  return next;
}

/** The feed cannot say what was missed, so each document is looked at. */
async function lookAgain(
  stateOf: WatchParts['stateOf'],
  uris: readonly string[],
  teller: Teller,
): Promise<void> {
  for (const uri of uris) {
    try {
      teller.tell({ uri, kind: 'updated', ...(await stateOf(uri)) });
    } catch (error) {
      if (asTwinError(error).code !== 'NOT_FOUND') throw error;
      teller.tell({ uri, kind: 'no-longer-readable' });
    }
  }
}
