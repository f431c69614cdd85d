import type { Variant } from '../../contract/documents.ts';
import { parseUri } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { principalKey } from '../../twin/principals.ts';
import type { StreamState } from './stream.ts';

type Index = Map<string, Set<StreamState>>;

/** Open streams, by URI and by member, so that an event costs its own subscribers only. */
export class Registry {
  readonly streams = new Set<StreamState>();
  /** Streams subscribed to a change feed. */
  readonly feeds = new Set<StreamState>();
  readonly #byUri: Index = new Map();
  readonly #byMember: Index = new Map();
  readonly #byPrincipal: Index = new Map();

  /** @throws Fault RATE_LIMITED past the caps of the process or of the principal. */
  enter(stream: StreamState): void {
    const key = principalKey(stream.principal);
    const own = this.#byPrincipal.get(key)?.size ?? 0;
    if (own >= LIMITS.streamsPerPrincipalMax) throw tooMany('open streams of one principal');
    if (this.streams.size >= LIMITS.streamsMax) throw tooMany('open streams');
    this.streams.add(stream);
    add(this.#byPrincipal, key, stream);
  }

  leave(stream: StreamState): void {
    for (const uri of [...stream.uris.keys()]) this.unlink(stream, uri);
    this.streams.delete(stream);
    remove(this.#byPrincipal, principalKey(stream.principal), stream);
  }

  /** @throws Fault RATE_LIMITED when the URIs would go past the caps. */
  reserve(stream: StreamState, count: number): void {
    if (stream.uris.size + count > LIMITS.urisPerSubscriptionMax) throw tooMany('URIs in a stream');
    let total = count;
    for (const one of this.#byPrincipal.get(principalKey(stream.principal)) ?? []) {
      total += one.uris.size;
    }
    if (total > LIMITS.urisPerPrincipalMax) throw tooMany('subscribed URIs of one principal');
  }

  /** Adds a URI, or sets the variant of one that is there. */
  link(stream: StreamState, uri: string, variant: Variant): void {
    const { feed, member } = placeOf(uri);
    stream.uris.set(uri, variant);
    if (feed) this.feeds.add(stream);
    add(this.#byUri, uri, stream);
    if (member !== undefined) add(this.#byMember, member, stream);
  }

  unlink(stream: StreamState, uri: string): void {
    stream.uris.delete(uri);
    stream.pending.delete(uri);
    remove(this.#byUri, uri, stream);
    const rest = [...stream.uris.keys()].map(placeOf);
    const { member } = placeOf(uri);
    if (!rest.some((place) => place.feed)) this.feeds.delete(stream);
    if (member !== undefined && !rest.some((place) => place.member === member)) {
      remove(this.#byMember, member, stream);
    }
  }

  subscribers(uri: string): Iterable<StreamState> {
    return this.#byUri.get(uri) ?? [];
  }

  ofMember(member: string): Iterable<StreamState> {
    return this.#byMember.get(member) ?? [];
  }
}

function placeOf(text: string): { feed: boolean; member?: string } {
  const uri = parseUri(text);
  if (uri === null) return { feed: false };
  return { feed: uri.kind === 'changes', ...('member' in uri && { member: uri.member }) };
}

function tooMany(what: string): Fault {
  return new Fault('RATE_LIMITED', { detail: `Too many ${what}; close some and try again.` });
}

function add(index: Index, key: string, stream: StreamState): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, new Set([stream]));
  else known.add(stream);
}

function remove(index: Index, key: string, stream: StreamState): void {
  const known = index.get(key);
  known?.delete(stream);
  if (known?.size === 0) index.delete(key);
}
