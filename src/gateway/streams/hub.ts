import type { StreamPlace } from '../../contract/frames.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Access, AccessChange, Principal } from '../../twin/ports.ts';
import { endsAllOf } from '../../twin/principals.ts';
import { Rechecks } from '../../twin/rechecks.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type {
  ChannelLog,
  GatewayEvent,
  Hub,
  ReadSince,
  Ready,
  Rights,
  Started,
  StreamEntry,
  StreamName,
  Subscriber,
} from '../ports.ts';
import { Deliveries } from './deliveries.ts';
import { FollowedStream } from './followed.ts';
import { Grants } from './grants.ts';
import { Joined } from './joined.ts';

/** How often the log is asked where streams stand of which nothing is heard. */
export const LOOK_MS = 10_000;
const LOOKED_AT_ONCE = 500;
/** Reads of one stream until its subscription begins; more events than that come at once. */
const BEGINNINGS_MAX = 3;

export interface HubParts {
  readonly log: ChannelLog;
  readonly rights: Rights;
  readonly ready: Ready;
  readonly access: Pick<Access, 'onChange'>;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly report: (error: unknown) => void;
  /** For tests; 10 s. */
  readonly lookMs?: number;
}

interface Local {
  readonly followed: FollowedStream;
  readonly joined: Set<Joined>;
}

/** Subscriptions of this instance, by stream, so that an entry costs its own subscribers only. */
export class GatewayHub implements Hub {
  readonly name = 'gateway-hub';
  readonly #parts: HubParts;
  readonly #streams = new Map<StreamName, Local>();
  readonly #bySubscriber = new Map<Subscriber, Map<StreamName, Joined>>();
  readonly #deliveries: Deliveries;
  readonly #grants: Grants;
  readonly #rechecks = new Rechecks<Joined>((principal, joined) => this.#look(principal, joined));
  readonly #ends: (() => void)[] = [];
  #accessVersion = 0;
  #next = 0;
  #timer: Timer | undefined;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.#grants = new Grants(parts.rights);
    const accessVersion = () => this.#accessVersion;
    this.#deliveries = new Deliveries({ ...parts, accessVersion });
  }

  get subscriptions(): number {
    return this.#bySubscriber.size;
  }

  start(): Promise<void> {
    const { log, access } = this.#parts;
    this.#ends.push(
      log.onEntry((name, epoch, entry) => this.#streams.get(name)?.followed.heard(epoch, entry)),
      access.onChange((change) => this.#accessChanged(change)),
    );
    this.#lookLater();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    this.#timer?.cancel();
    for (const { followed } of this.#streams.values()) followed.close();
    return this.#deliveries.settled();
  }

  async subscribe(
    subscriber: Subscriber,
    streams: readonly StreamName[],
    since: ReadonlyMap<StreamName, StreamPlace>,
    onStart: (started: readonly Started[]) => void,
  ): Promise<void> {
    if (this.#bySubscriber.has(subscriber)) throw new Fault('CONFLICT');
    const own = new Map(streams.map((name) => [name, this.#join(subscriber, name)]));
    this.#bySubscriber.set(subscriber, own);
    try {
      const before = this.#accessVersion;
      await this.#grant(subscriber, own);
      const reads = await Promise.all(
        [...own.values()].map((joined) => this.#read(joined, since.get(joined.stream))),
      );
      const answers = new Map(reads.map(({ joined, read }) => [joined.stream, read]));
      onStart(streams.map((stream) => ({ stream, start: answers.get(stream) ?? 'denied' })));
      for (const { joined, read } of reads) await this.#begin(joined, read);
      if (this.#accessVersion !== before)
        this.#rechecks.add(withRights([...own.values()]), 'first');
    } catch (error) {
      this.unsubscribe(subscriber);
      throw error;
    }
  }

  #join(subscriber: Subscriber, name: StreamName): Joined {
    const { log, ready, clock, report } = this.#parts;
    this.#next += 1;
    const joined = new Joined(this.#next, subscriber, name);
    const known = this.#streams.get(name);
    if (known !== undefined) {
      known.joined.add(joined);
      return joined;
    }
    const followed = new FollowedStream(name, {
      ...{ log, ready, clock, report },
      deliver: (stream, epoch, entry) => this.#deliver(stream, epoch, entry),
      lost: (stream, read) => this.#lost(stream, read),
    });
    this.#streams.set(name, { followed, joined: new Set([joined]) });
    return joined;
  }

  /** What may not be subscribed to leaves again, and the audit has both. */
  async #grant(subscriber: Subscriber, own: Map<StreamName, Joined>): Promise<void> {
    const { principal } = subscriber;
    if (principal === undefined) return;
    const asked = [...own.keys()].map((stream) => ({ stream, needs: subscriber.needs(stream) }));
    const uris = asked.flatMap(({ needs }) => needs);
    const isOpen = () => subscriber.connection.isOpen;
    const readable = await this.#grants.readable(principal, uris, isOpen);
    for (const { stream, needs } of asked) {
      const joined = own.get(stream);
      if (joined === undefined || needs.some((uri) => readable.has(uri))) continue;
      own.delete(stream);
      this.#leave(joined);
    }
  }

  async #read(
    joined: Joined,
    since: StreamPlace | undefined,
  ): Promise<{ joined: Joined; read: ReadSince }> {
    const read = await this.#parts.log.read(joined.stream, since);
    if (since !== undefined) this.#parts.metrics.reconnected(reasonOf(read));
    return { joined, read };
  }

  /** What was missed, then what came meanwhile, then live; of a stream that moved on, anew. */
  async #begin(joined: Joined, read: ReadSince): Promise<void> {
    const followed = this.#streams.get(joined.stream)?.followed;
    followed?.open(read);
    let at = read;
    await this.#replay(joined, at);
    for (let tries = 0; ; tries += 1) {
      const came = joined.begin(at);
      if (came !== undefined) {
        this.#deliveries.add(came.flatMap((entry) => this.#due(joined, at.epoch, entry, false)));
        return;
      }
      if (tries >= BEGINNINGS_MAX) throw new Fault('LOG_UNAVAILABLE');
      at = await this.#parts.log.read(joined.stream, { epoch: at.epoch, offset: at.top });
      if (!at.recovered) joined.subscriber.gap(joined.stream, at);
      await this.#replay(joined, at);
    }
  }

  async #replay(joined: Joined, read: ReadSince): Promise<void> {
    if (!read.recovered) return;
    const at = this.#parts.clock.monotonic();
    for (const { event } of read.entries) {
      const shown = this.#parts.ready(event, at);
      if (shown !== undefined) await shown;
    }
    this.#deliveries.add(
      read.entries.flatMap((entry) => this.#due(joined, read.epoch, entry, true)),
    );
  }

  #due(joined: Joined, epoch: string, entry: StreamEntry, replayed: boolean) {
    if (!joined.subscriber.wants(entry.event)) return [];
    return [{ joined, told: { stream: joined.stream, epoch, entry, replayed } }];
  }

  unsubscribe(subscriber: Subscriber): void {
    const own = this.#bySubscriber.get(subscriber);
    this.#bySubscriber.delete(subscriber);
    for (const joined of own?.values() ?? []) this.#leave(joined);
  }

  #leave(joined: Joined): void {
    joined.closed = true;
    joined.subscriber.connection.purge((tag) => tag.startsWith(joined.tagOf('')));
    const local = this.#streams.get(joined.stream);
    if (local?.joined.delete(joined) !== true || local.joined.size > 0) return;
    local.followed.close();
    this.#streams.delete(joined.stream);
  }

  publish(
    stream: StreamName,
    event: GatewayEvent,
    dedup: readonly string[],
  ): Promise<StreamPlace & { readonly duplicate: boolean }> {
    return this.#parts.log.append(stream, event, dedup);
  }

  renewed(subscriber: Subscriber): void {
    const own = this.#bySubscriber.get(subscriber);
    if (own !== undefined) this.#rechecks.add(withRights([...own.values()]), 'first');
  }

  #deliver(name: StreamName, epoch: string, entry: StreamEntry): void {
    const due = [...(this.#streams.get(name)?.joined ?? [])]
      .filter((joined) => joined.takes(epoch, entry))
      .flatMap((joined) => this.#due(joined, epoch, entry, false));
    this.#deliveries.add(due);
  }

  #lost(name: StreamName, read: Extract<ReadSince, { recovered: false }>): void {
    for (const joined of this.#streams.get(name)?.joined ?? []) {
      if (!joined.isLive) continue;
      joined.moved(read);
      joined.subscriber.gap(name, read);
    }
  }

  #lookLater(): void {
    const { clock, lookMs = LOOK_MS } = this.#parts;
    this.#timer = clock.after(lookMs, () => {
      void this.look(lookMs).finally(() => this.#lookLater());
    });
  }

  /** Asks where streams stand that were silent for so long. */
  async look(silentMs: number): Promise<void> {
    const now = this.#parts.clock.monotonic();
    const silent = [...this.#streams.values()]
      .map(({ followed }) => followed)
      .filter(({ heardAt }) => now - heardAt >= silentMs);
    for (let from = 0; from < silent.length; from += LOOKED_AT_ONCE) {
      const some = silent.slice(from, from + LOOKED_AT_ONCE);
      try {
        const tops = await this.#parts.log.tops(some.map(({ name }) => name));
        for (const [index, { epoch, top }] of tops.entries()) some[index]?.looked(epoch, top);
      } catch (error) {
        this.#parts.report(error);
        return;
      }
    }
  }

  #accessChanged(change: AccessChange): void {
    this.#accessVersion += 1;
    if (change.kind === 'everything') {
      this.#rechecks.add(withRights(this.#all()), 'later');
    } else if (change.kind === 'objects') {
      const named = change.objects.flatMap(({ type, id }) => [
        ...(this.#streams.get(`${type}:${id}`)?.joined ?? []),
      ]);
      this.#rechecks.add(withRights(named), 'first');
    } else {
      const ended = withRights(this.#all()).filter(({ principal }) => endsAllOf(change, principal));
      for (const joined of ended) this.#revoke(joined);
    }
  }

  #all(): Joined[] {
    return [...this.#bySubscriber.values()].flatMap((own) => [...own.values()]);
  }

  async #look(principal: Principal, streams: readonly Joined[]): Promise<void> {
    try {
      const needs = streams.map(({ subscriber, stream }) => subscriber.needs(stream));
      const uris = [...new Set(needs.flat())];
      const answers = await this.#parts.rights.readable(principal, uris);
      const readable = new Set(uris.filter((_, index) => answers[index] === true));
      for (const [index, joined] of streams.entries()) {
        const own = needs[index] ?? [];
        const { connection } = joined.subscriber;
        const gone = new Set(own.filter((uri) => !readable.has(uri)).map((u) => joined.tagOf(u)));
        connection.purge((tag) => gone.has(tag));
        if (gone.size === own.length) this.#revoke(joined);
      }
    } catch (error) {
      this.#parts.report(error);
      for (const { subscriber } of streams) subscriber.unverifiable();
    }
  }

  #revoke(joined: Joined): void {
    if (joined.closed) return;
    this.#leave(joined);
    this.#bySubscriber.get(joined.subscriber)?.delete(joined.stream);
    joined.subscriber.revoked(joined.stream);
  }
}

function withRights(all: readonly Joined[]): Joined[] {
  return all.filter(({ subscriber, closed }) => !closed && subscriber.principal !== undefined);
}

function reasonOf(read: ReadSince) {
  return read.recovered ? 'recovered' : read.reason;
}
