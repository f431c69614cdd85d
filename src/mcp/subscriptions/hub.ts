import type { Variant } from '../../contract/documents.ts';
import type { Timer } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { AccessChange, Principal } from '../../twin/ports.ts';
import { principalKey } from '../../twin/principals.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { Rechecks } from '../../twin/rechecks.ts';
import type { McpParts, StreamKind } from '../parts.ts';
import { Dispatcher } from './dispatcher.ts';
import { isFeed, Registry } from './registry.ts';
import type { Sink, StreamState } from './stream.ts';

/** A subscriber's handle. */
export interface Stream {
  /** Checks each URI and takes those that may be read; answers them, in the order given. */
  add(caller: Caller, uris: readonly string[]): Promise<string[]>;
  remove(uri: string): void;
  /** The sink can take updates, until this caller's token expires. */
  wake(caller: Caller): void;
  /** The same after an interruption: what may have been lost on the way is told again. */
  resume(caller: Caller): Promise<void>;
  close(): void;
}

/**
 * Subscriptions: every URI is checked before it is acknowledged and again at each delivery; a
 * stream ends with its token, and a URI with the permission (security.md §1.3).
 */
export class Hub implements Service {
  readonly name = 'subscriptions';
  readonly #parts: McpParts;
  readonly #registry: Registry;
  readonly #dispatcher: Dispatcher;
  readonly #subscriptions: (() => void)[] = [];
  readonly #open = { listen: 0, session: 0 };
  readonly #rechecks = new Rechecks<StreamState>((principal, streams) =>
    this.#recheck(principal, streams),
  );
  /** Counts the changes of access, so that one between a check and its use is noticed. */
  #accessChanges = 0;
  #stopped = false;

  constructor(parts: McpParts) {
    this.#parts = parts;
    this.#registry = new Registry(parts.openCounts);
    this.#dispatcher = new Dispatcher(parts, this.#registry);
  }

  get size(): number {
    return this.#registry.streams.size;
  }

  start(): Promise<void> {
    const { bus, access } = this.#parts;
    this.#subscriptions.push(
      bus.subscribe((changes) => this.#dispatcher.changed(changes)),
      access.onChange((change) => this.#onAccessChange(change)),
    );
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    for (const stream of [...this.#registry.streams]) stream.sink.unverifiable();
    return Promise.resolve();
  }

  /** @throws Fault RATE_LIMITED past the caps. */
  open(kind: StreamKind, principal: Principal, sink: Sink): Stream {
    if (this.#stopped) throw new Fault('SHUTTING_DOWN');
    const stream: StreamState = {
      id: randomId(),
      principal,
      sink,
      uris: new Map(),
      pending: new Map(),
      pumping: false,
      closed: false,
    };
    this.#registry.enter(stream);
    this.#count(kind, 1);
    let expiry = this.#expireAt(stream);
    const wake = ({ principal: renewed }: Caller): void => {
      if (principalKey(renewed) !== principalKey(stream.principal)) return;
      this.#registry.renew(stream, renewed);
      expiry.cancel();
      expiry = this.#expireAt(stream);
      void this.#dispatcher.pump(stream);
    };
    return {
      add: (caller, uris) => this.#subscribe(stream, caller, uris),
      remove: (uri) => this.#registry.unlink(stream, uri),
      wake,
      resume: async (caller) => {
        wake(caller);
        await this.#tellRecent(stream, caller, [...stream.uris.keys()]);
      },
      close: () => {
        if (stream.closed) return;
        stream.closed = true;
        expiry.cancel();
        this.#registry.leave(stream);
        this.#count(kind, -1);
      },
    };
  }

  #count(kind: StreamKind, change: 1 | -1): void {
    this.#open[kind] += change;
    this.#parts.metrics?.streams(kind, this.#open[kind]);
  }

  #expireAt(stream: StreamState): Timer {
    const leftMs = stream.principal.expiresAtMs - this.#parts.clock.now();
    return this.#parts.clock.after(leftMs, () => stream.sink.expired());
  }

  async #subscribe(
    stream: StreamState,
    caller: Caller,
    asked: readonly string[],
  ): Promise<string[]> {
    const uris = [...new Set(asked)];
    this.#registry.reserve(stream, uris.length);
    const before = this.#accessChanges;
    const variants = await this.#parts.reader.variants(caller.principal, uris);
    const granted = uris.filter((_, index) => variants[index] !== null);
    await this.#audit(caller, 'success', granted);
    await this.#audit(
      caller,
      'denied',
      uris.filter((_, index) => variants[index] === null),
    );
    if (stream.closed) return [];
    for (const [index, uri] of uris.entries()) {
      const variant = variants[index];
      if (variant !== null && variant !== undefined) this.#registry.link(stream, uri, variant);
    }
    if (this.#accessChanges !== before) this.#rechecks.add([stream], 'first');
    await this.#tellRecent(stream, caller, granted);
    return granted;
  }

  async #audit(caller: Caller, outcome: 'success' | 'denied', uris: string[]): Promise<void> {
    if (uris.length === 0) return;
    const what = uris.map((uri) => ({ uri }));
    const why = 'view permissions by check';
    await this.#parts.audit.append({ action: 'subscribe', outcome, ...caller, what, why });
  }

  /** A new subscription is told once of what changed lately and it has not read since. */
  async #tellRecent(stream: StreamState, caller: Caller, uris: string[]): Promise<void> {
    const { reader } = this.#parts;
    const recent = reader.recentChanges(uris, LIMITS.recentChangesMs);
    const unread = recent.filter(({ uri, etag }) => reader.readLast(caller, uri) !== etag);
    this.#dispatcher.changedFor(stream, unread);
    for (const uri of uris) {
      if (await reader.feedHasNews(caller, uri)) this.#dispatcher.newsFor(stream, uri);
    }
  }

  #onAccessChange(change: AccessChange): void {
    this.#accessChanges += 1;
    if (change.kind === 'token' || change.kind === 'client') {
      for (const stream of this.#registry.endedBy(change)) stream.sink.expired();
      return;
    }
    const { streams, feeds } = this.#registry;
    if (change.kind === 'everything') this.#rechecks.add(streams, 'later');
    else {
      const ofMembers = change.objects.flatMap(({ id }) => [...this.#registry.ofMember(id)]);
      const touched = new Set(ofMembers);
      this.#rechecks.add(touched, 'first');
      this.#rechecks.add(feeds.difference(touched), 'later');
    }
  }

  async #recheck(principal: Principal, streams: readonly StreamState[]): Promise<void> {
    const asked = streams.map((stream) => ({ stream, uris: [...stream.uris.keys()] }));
    const all = [...new Set(asked.flatMap(({ uris }) => uris))];
    try {
      const variants = await this.#parts.reader.variants(principal, all);
      const now = new Map(all.map((uri, index) => [uri, variants[index] ?? null]));
      for (const { stream, uris } of asked) {
        for (const uri of uris) this.#settle(stream, uri, now.get(uri) ?? null);
      }
      await this.#tellLost(principal, streams);
    } catch (error) {
      this.#parts.report(error);
      for (const stream of streams) this.#dispatcher.sendAway(stream);
    }
  }

  /** What was read and may no longer be is said in the feed. */
  async #tellLost(principal: Principal, streams: readonly StreamState[]): Promise<void> {
    const feeds = streams.filter((stream) => this.#registry.feeds.has(stream));
    if (feeds.length === 0 || !(await this.#parts.reader.hasLost(principal))) return;
    for (const stream of feeds) {
      for (const uri of stream.uris.keys()) {
        if (isFeed(uri)) this.#dispatcher.newsFor(stream, uri);
      }
    }
  }

  #settle(stream: StreamState, uri: string, variant: Variant | null): void {
    const present = stream.uris.get(uri);
    if (stream.closed || present === undefined || present === variant) return;
    if (variant === null) {
      this.#registry.unlink(stream, uri);
      stream.sink.revoked(uri);
    } else {
      this.#registry.link(stream, uri, variant);
      this.#tellNewest(stream, uri, variant);
    }
  }

  /** The document as it stands in this variant, whenever it came to be so. */
  #tellNewest(stream: StreamState, uri: string, variant: Variant): void {
    const { reader, clock } = this.#parts;
    const newest = reader
      .recentChanges([uri], clock.now())
      .filter((one) => one.variant === variant);
    if (newest.length > 0) this.#dispatcher.changedFor(stream, newest);
    else this.#dispatcher.newsFor(stream, uri);
  }
}
