import type { Variant } from '../../contract/documents.ts';
import { parseUri } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { ALONE, type OpenCounts } from '../../twin/open-counts.ts';
import type { AccessChange, Principal } from '../../twin/ports.ts';
import { clientsOf, principalKey } from '../../twin/principals.ts';
import type { StreamState } from './stream.ts';

type Index = Map<string, Set<StreamState>>;

interface Tenant {
  streams: number;
  uris: number;
}

/** Open streams, by URI and by member, so that an event costs its own subscribers only. */
export class Registry {
  readonly streams = new Set<StreamState>();
  /** Streams subscribed to a change feed. */
  readonly feeds = new Set<StreamState>();
  readonly #byUri: Index = new Map();
  readonly #byMember: Index = new Map();
  readonly #byPrincipal: Index = new Map();
  readonly #byToken: Index = new Map();
  /** By tenant, and client or agent. */
  readonly #byClient: Index = new Map();
  readonly #byTenant = new Map<string, Tenant>();
  /** How many URIs of a stream lie in each place, so that the last one is known as such. */
  readonly #places = new WeakMap<StreamState, Map<string, number>>();

  /** What other instances have open counts as well. */
  readonly #counts: OpenCounts;

  constructor(counts: OpenCounts = ALONE) {
    this.#counts = counts;
  }

  /** @throws Fault RATE_LIMITED past the caps of the process, of the principal or of its tenant. */
  enter(stream: StreamState): void {
    const key = principalKey(stream.principal);
    const own = this.#byPrincipal.get(key)?.size ?? 0;
    if (this.#isFull(ofPrincipal(key), own, LIMITS.streamsPerPrincipalMax)) {
      throw tooMany('open streams of one principal');
    }
    const tenant = this.#tenantOf(stream);
    const named = ofTenant(stream.principal);
    if (this.#isFull(named, tenant.streams, LIMITS.streamsPerTenantMax)) {
      throw tooMany('open streams of one tenant');
    }
    if (this.streams.size >= LIMITS.streamsMax) throw tooMany('open streams');
    this.streams.add(stream);
    tenant.streams += 1;
    this.#byTenant.set(stream.principal.tenant, tenant);
    add(this.#byPrincipal, key, stream);
    add(this.#byToken, stream.principal.tokenId, stream);
    for (const client of clientKeys(stream.principal)) add(this.#byClient, client, stream);
    this.#note(stream, tenant);
  }

  leave(stream: StreamState): void {
    for (const uri of [...stream.uris.keys()]) this.unlink(stream, uri);
    if (!this.streams.delete(stream)) return;
    const tenant = this.#tenantOf(stream);
    tenant.streams -= 1;
    if (tenant.streams === 0) this.#byTenant.delete(stream.principal.tenant);
    remove(this.#byPrincipal, principalKey(stream.principal), stream);
    remove(this.#byToken, stream.principal.tokenId, stream);
    for (const client of clientKeys(stream.principal)) remove(this.#byClient, client, stream);
    this.#note(stream, tenant);
  }

  #isFull(key: string, own: number, max: number): boolean {
    return own + this.#counts.elsewhere(key) >= max * this.#counts.share;
  }

  #note({ principal }: StreamState, { streams }: Tenant): void {
    const key = principalKey(principal);
    this.#counts.note(ofPrincipal(key), this.#byPrincipal.get(key)?.size ?? 0);
    this.#counts.note(ofTenant(principal), streams);
  }

  /** Another token of the same principal stands behind the stream from now on. */
  renew(stream: StreamState, principal: Principal): void {
    if (this.streams.has(stream)) {
      remove(this.#byToken, stream.principal.tokenId, stream);
      add(this.#byToken, principal.tokenId, stream);
    }
    stream.principal = principal;
  }

  /** @throws Fault RATE_LIMITED when the URIs would go past the caps. */
  reserve(stream: StreamState, count: number): void {
    if (stream.uris.size + count > LIMITS.urisPerSubscriptionMax) throw tooMany('URIs in a stream');
    let total = count;
    for (const one of this.#byPrincipal.get(principalKey(stream.principal)) ?? []) {
      total += one.uris.size;
    }
    if (total > LIMITS.urisPerPrincipalMax) throw tooMany('subscribed URIs of one principal');
    if (this.#tenantOf(stream).uris + count > LIMITS.urisPerTenantMax) {
      throw tooMany('subscribed URIs of one tenant');
    }
  }

  /** Adds a URI, or sets the variant of one that is there. */
  link(stream: StreamState, uri: string, variant: Variant): void {
    const isNew = !stream.uris.has(uri);
    stream.uris.set(uri, variant);
    if (!isNew) return;
    this.#tenantOf(stream).uris += 1;
    add(this.#byUri, uri, stream);
    const place = placeOf(uri);
    if (place === undefined) return;
    this.#count(stream, place, 1);
    if (place === FEED) this.feeds.add(stream);
    else add(this.#byMember, place, stream);
  }

  unlink(stream: StreamState, uri: string): void {
    stream.pending.delete(uri);
    if (!stream.uris.delete(uri)) return;
    this.#tenantOf(stream).uris -= 1;
    remove(this.#byUri, uri, stream);
    const place = placeOf(uri);
    if (place === undefined || this.#count(stream, place, -1) > 0) return;
    if (place === FEED) this.feeds.delete(stream);
    else remove(this.#byMember, place, stream);
  }

  #tenantOf({ principal }: StreamState): Tenant {
    return this.#byTenant.get(principal.tenant) ?? { streams: 0, uris: 0 };
  }

  #count(stream: StreamState, place: string, change: 1 | -1): number {
    const counts = this.#places.get(stream) ?? new Map<string, number>();
    this.#places.set(stream, counts);
    const count = (counts.get(place) ?? 0) + change;
    if (count > 0) counts.set(place, count);
    else counts.delete(place);
    return count;
  }

  subscribers(uri: string): Iterable<StreamState> {
    return this.#byUri.get(uri) ?? [];
  }

  /** Those that a revoked token, or a suspended client, has open. */
  endedBy(change: AccessChange): StreamState[] {
    if (change.kind === 'token') return [...(this.#byToken.get(change.tokenId) ?? [])];
    if (change.kind !== 'client') return [];
    return [...(this.#byClient.get(clientKey(change.tenant, change.client)) ?? [])];
  }

  ofMember(member: string): Iterable<StreamState> {
    return this.#byMember.get(member) ?? [];
  }
}

function ofPrincipal(key: string): string {
  return `streams of principal ${key}`;
}

function ofTenant({ tenant }: Principal): string {
  return `streams of tenant ${tenant}`;
}

function clientKeys(principal: Principal): string[] {
  return clientsOf(principal).map((client) => clientKey(principal.tenant, client));
}

function clientKey(tenant: string, client: string): string {
  return `${tenant} ${client}`;
}

/** No member id is empty. */
const FEED = '';

export function isFeed(uri: string): boolean {
  return placeOf(uri) === FEED;
}

/** The member that a URI is about, or the feed; neither for a session. */
function placeOf(text: string): string | undefined {
  const uri = parseUri(text);
  if (uri?.kind === 'changes') return FEED;
  return uri !== null && 'member' in uri ? uri.member : undefined;
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
