import { type Notified, notifiedEntries } from '../../twin/notified.ts';
import type { ViewChange } from '../../twin/ports.ts';
import type { McpParts } from '../parts.ts';
import { Feeds } from './feeds.ts';
import { isFeed, type Registry } from './registry.ts';
import { type StreamState, tokenKey, type Update } from './stream.ts';

interface Delivery {
  readonly stream: StreamState;
  readonly update: Update;
}

/**
 * From a change to the sockets: who subscribes, may they know, one audit record for all of them,
 * then each stream at its own speed. A slow reader only ever slows itself.
 */
export class Dispatcher {
  readonly #parts: McpParts;
  readonly #registry: Registry;
  /** Coalesced by stream and URI: bounded by what is subscribed, whatever the rate of changes. */
  #queue = new Map<string, Delivery>();
  #dispatching = false;
  /** The batch that is being audited and handed on; never rejects. */
  #handing: Promise<unknown> = Promise.resolve();
  readonly #feeds: Feeds;

  constructor(parts: McpParts, registry: Registry) {
    this.#parts = parts;
    this.#registry = registry;
    this.#feeds = new Feeds({
      reader: parts.reader,
      feeds: registry.feeds,
      tell: (streams) => this.#enqueueFeeds(streams),
      fail: (streams, error) => {
        parts.report(error);
        for (const stream of streams) this.sendAway(stream);
      },
    });
  }

  changed(changes: readonly ViewChange[]): void {
    for (const change of changes) {
      const update = updateOf(change);
      for (const stream of this.#registry.subscribers(change.uri)) {
        this.#enqueueChange(stream, update);
      }
    }
    const ofMembers = changes.filter(({ subject }) => subject.kind === 'member');
    if (ofMembers.length > 0) this.#feeds.changed(ofMembers);
    void this.#dispatch();
  }

  /** The same for one stream alone: what changed before it subscribed. */
  changedFor(stream: StreamState, changes: readonly ViewChange[]): void {
    for (const change of changes) this.#enqueueChange(stream, updateOf(change));
    void this.#dispatch();
  }

  /** The document of a URI differs for this stream, or its feed has something. */
  newsFor(stream: StreamState, uri: string): void {
    const variant = stream.uris.get(uri);
    if (variant !== undefined) this.#enqueue(stream, { uri, variant });
    void this.#dispatch();
  }

  /** Hands pending updates to the socket one by one, each checked once more just before. */
  async pump(stream: StreamState): Promise<void> {
    if (stream.pumping) return;
    stream.pumping = true;
    try {
      while (stream.pending.size > 0 && this.#isOpen(stream)) await this.#sendNext(stream);
    } catch (error) {
      this.#parts.report(error);
      this.sendAway(stream);
    } finally {
      stream.pumping = false;
    }
  }

  async #sendNext(stream: StreamState): Promise<void> {
    const [next] = stream.pending;
    if (next === undefined) return;
    const [uri, update] = next;
    // Before the check, which is to be the last thing before the bytes.
    const { place } = update;
    if (place !== undefined) await this.#parts.floors.raise(stream.principal, uri, place);
    const [variant] = await this.#parts.reader.variants(stream.principal, [uri]);
    if (!this.#isOpen(stream) || stream.pending.get(uri) !== update) return;
    stream.pending.delete(uri);
    if (variant !== update.variant) return;
    const sent = await stream.sink.send(update);
    if (!sent && stream.uris.has(uri) && !stream.pending.has(uri)) stream.pending.set(uri, update);
  }

  /** The timer that ends a stream with its token may be late; its expiry is not. */
  #isOpen({ closed, principal, sink }: StreamState): boolean {
    return !closed && principal.expiresAtMs > this.#parts.clock.now() && sink.ready();
  }

  #enqueueChange(stream: StreamState, update: Update): void {
    if (stream.uris.get(update.uri) === update.variant) this.#enqueue(stream, update);
  }

  #enqueueFeeds(streams: readonly StreamState[]): void {
    for (const stream of streams) {
      const feeds = [...stream.uris.keys()].filter(isFeed);
      for (const uri of feeds) this.#enqueue(stream, { uri, variant: 'general' });
    }
    void this.#dispatch();
  }

  /** What it may know cannot be told for sure: whoever comes again is told what they missed. */
  sendAway(stream: StreamState): void {
    try {
      stream.sink.unverifiable();
    } catch (error) {
      this.#parts.report(error);
    }
  }

  #enqueue(stream: StreamState, update: Update): void {
    this.#queue.set(`${stream.id} ${update.uri}`, { stream, update });
  }

  /** One batch is checked while the one before it is audited; handed on in their order. */
  async #dispatch(): Promise<void> {
    if (this.#dispatching) return;
    this.#dispatching = true;
    while (this.#queue.size > 0) {
      const batch = [...this.#queue.values()];
      this.#queue = new Map();
      const allowed = await this.#orSentAway(batch, this.#mayKnow(batch));
      await this.#handing;
      if (allowed !== undefined) this.#handing = this.#orSentAway(batch, this.#deliver(allowed));
    }
    this.#dispatching = false;
  }

  async #orSentAway<T>(batch: readonly Delivery[], step: Promise<T>): Promise<T | undefined> {
    try {
      return await step;
    } catch (error) {
      this.#parts.report(error);
      for (const { stream } of batch) this.sendAway(stream);
      return undefined;
    }
  }

  /** One durable audit record with all receivers, and only then the streams. */
  async #deliver(allowed: readonly Delivery[]): Promise<void> {
    if (allowed.length === 0) return;
    const entries = notifiedEntries(allowed.map(notifiedOf));
    await Promise.all(entries.map((entry) => this.#parts.audit.append(entry)));
    for (const { stream, update } of allowed) {
      // Given back meanwhile.
      if (!stream.uris.has(update.uri)) continue;
      stream.pending.set(update.uri, update);
      void this.pump(stream);
    }
    this.#parts.metrics?.notified(allowed.length);
  }

  /** One round of checks a token, shared by all of its streams. */
  async #mayKnow(batch: readonly Delivery[]): Promise<Delivery[]> {
    const byToken = Map.groupBy(batch, ({ stream }) => tokenKey(stream));
    const rounds = [...byToken.values()].map(async (deliveries) => {
      const principal = deliveries[0]?.stream.principal;
      if (principal === undefined) return [];
      const uris = [...new Set(deliveries.map(({ update }) => update.uri))];
      const variants = await this.#parts.reader.variants(principal, uris);
      const byUri = new Map(uris.map((uri, index) => [uri, variants[index]]));
      return deliveries.filter(
        ({ stream, update: { uri, variant } }) =>
          !stream.closed && stream.uris.has(uri) && byUri.get(uri) === variant,
      );
    });
    return (await Promise.all(rounds)).flat();
  }
}

/** One for all who are told of it, so that it is put into words once. */
function updateOf({ uri, etag, place, variant }: ViewChange): Update {
  return { uri, variant, place, ...(etag !== '' && { etag }) };
}

function notifiedOf({ stream: { id, principal }, update }: Delivery): Notified {
  const { uri, variant, etag } = update;
  return { stream: id, principal, what: { uri, variant, ...(etag !== undefined && { etag }) } };
}
