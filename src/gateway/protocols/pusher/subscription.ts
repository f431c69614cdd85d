import { asFault } from '../../../kernel/errors.ts';
import type { Principal } from '../../../twin/ports.ts';
import type {
  Connection,
  Framed,
  GatewayEvent,
  PresenceChange,
  PresentUser,
  ReadSince,
  Started,
  StreamName,
  Subscriber,
  Told,
} from '../../ports.ts';
import type { Acks, TrackedFrame } from './acks.ts';
import type { PusherApp } from './apps.ts';
import { type Cached, cachedOf } from './cached.ts';
import { CatchingUp, type OwnResume } from './catching-up.ts';
import { type ChannelKind, memberOf } from './channels.ts';
import { CLOSE } from './codes.ts';
import { isClientEvent, type NamedEvent, namedOnApp, namedOnMember } from './events.ts';
import { encodeEvent, type PresenceUser, said } from './frames.ts';
import type { Grant } from './grants.ts';
import { PUSHER_LIMITS } from './limits.ts';
import type { PusherParts } from './parts.ts';
import { PresenceView } from './presence-view.ts';
import { isTooLate } from './replay.ts';
import { clientStreamOf, documentsOf, streamOf, streamsOf } from './streams.ts';

/** Whose subscription it is, as far as it matters to one channel. */
export interface SubscriptionOf {
  readonly app: PusherApp;
  readonly connection: Connection;
  readonly remoteAddress: string;
  readonly acks: Acks;
  /** The connection's first event that a ping has to ask for. */
  readonly onDelivered: () => void;
  readonly onLive: (subscription: ChannelSubscription) => void;
  /** Whether another channel of this connection is of the member as well. */
  readonly holds: (member: string, besides: ChannelSubscription) => boolean;
  /** It ended by itself: refused, or nothing of it may be read any more. */
  readonly onEnded: (subscription: ChannelSubscription) => void;
}

/** What was verified before. */
export interface Subscribed {
  readonly channel: string;
  readonly kind: ChannelKind;
  readonly user?: PresenceUser | undefined;
  /** Of a member's channel always. */
  readonly grant?: Grant | undefined;
  readonly resume?: OwnResume | undefined;
}

/** What an app may listen to, on a member's channel, to hear that it should read again. */
export const GAP_EVENT = 'twin.gap';
/** How long until what could not be asked is asked again, ms: an SDK would not ask by itself. */
const TRIES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

/** One channel of one connection. */
export class ChannelSubscription implements Subscriber {
  readonly connection: Connection;
  readonly #parts: PusherParts;
  readonly #of: SubscriptionOf;
  readonly #subscribed: Subscribed;
  readonly #view: PresenceView | undefined;
  readonly #catchingUp: CatchingUp;
  #state: 'pending' | 'live' | 'ended' = 'pending';
  #joined = false;
  #forget = false;

  constructor(parts: PusherParts, of: SubscriptionOf, subscribed: Subscribed) {
    this.#parts = parts;
    this.#of = of;
    this.#subscribed = subscribed;
    this.connection = of.acks.tracking(of.onDelivered);
    const { user, kind, channel } = subscribed;
    const isPresence = user !== undefined && kind.access === 'presence';
    this.#view = isPresence ? new PresenceView(channel, user.id) : undefined;
    this.#catchingUp = new CatchingUp(parts, { ...of, ...subscribed });
  }

  get app(): PusherApp {
    return this.#of.app;
  }

  get channel(): string {
    return this.#subscribed.channel;
  }

  get kind(): ChannelKind {
    return this.#subscribed.kind;
  }

  get user(): PresenceUser | undefined {
    return this.#subscribed.user;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  get principal(): Principal | undefined {
    return this.#subscribed.grant?.principal;
  }

  /** Of this app alone: in presence and registry. */
  get key(): string {
    return `${this.app.id}:${this.channel}`;
  }

  /** Until it is answered; whatever goes wrong is the client's to hear in Pusher's words. */
  async start(): Promise<void> {
    for (const wait of [...TRIES_MS, undefined]) {
      try {
        await this.#start();
        return;
      } catch (error) {
        const fault = asFault(error);
        const isOurs = fault.row.http >= 500;
        if (isOurs) this.#parts.report(fault.cause ?? fault);
        if (this.isLive) return this.unverifiable();
        if (!isOurs || wait === undefined) return this.#failed(fault.code === 'RATE_LIMITED');
        await pause(this.#parts.clock, wait);
      }
    }
  }

  async #start(): Promise<void> {
    if (this.#isOver()) return;
    if (!(await this.#mayRead())) return this.#refuse();
    const users = await this.#join();
    const cached = await this.#cached();
    const since = await this.#catchingUp.since();
    if (cached !== undefined) since.set(streamOf(this.app, this.channel), cached.from);
    const { hub } = this.#parts;
    if (!this.#isOver()) {
      const streams = streamsOf(this.app, this.channel, this.kind);
      const begin = (started: readonly Started[]) => this.#begin(started, since, users, cached);
      await hub.subscribe(this, streams, since, begin);
    }
    if (!this.#isOver()) return await this.#register();
    hub.unsubscribe(this);
    await this.#left();
  }

  /**
   * Nothing of it is told from here on.
   * @param forget the client wants nothing of what comes meanwhile, should it subscribe again
   */
  end(forget = false): void {
    if (this.#isOver()) return;
    this.#state = 'ended';
    this.#forget = forget;
    this.#parts.hub.unsubscribe(this);
    this.connection.purge((tag) => tag === this.channel);
  }

  /** What others know of it; after `end`, and in its turn. */
  async leave(): Promise<void> {
    await this.#left().catch(this.#parts.report);
  }

  /** Of this presence channel: somebody came or went. */
  changed(change: PresenceChange): void {
    const frame = this.#view?.changed(change);
    if (frame !== undefined && this.isLive) this.connection.send(frame, { tag: this.channel });
  }

  say(frame: string): void {
    if (this.isLive) this.connection.send(frame, { policy: 'drop', tag: this.channel });
  }

  refresh(): void {
    if (this.isLive) this.#catchingUp.refresh();
  }

  wants(event: GatewayEvent): boolean {
    const named = this.#named(event);
    if (named === undefined || event.except === this.connection.id) return false;
    if (this.#catchingUp.isLeftOut(event)) return false;
    if (!isTooLate(event, named.name, this.#parts.clock.now())) return true;
    this.#leftOut([event], 'expired');
    return false;
  }

  needs(_stream: StreamName): readonly string[] {
    const member = memberOf(this.channel);
    return member === undefined ? [] : documentsOf(member);
  }

  frame({ stream, epoch, entry }: Told): TrackedFrame | Framed | undefined {
    const { event, offset } = entry;
    const named = this.#named(event);
    if (!this.isLive || named === undefined || this.#hasExpired()) return undefined;
    if (isTooLate(event, named.name, this.#parts.clock.now())) return undefined;
    const { channel } = this;
    const said = { event: named.name, channel, data: named.data, ...senderOf(event) };
    const how = { tag: channel, eventType: labelOf(event), ...slowness(event, named.name) };
    if (isClientEvent(named.name)) return { ...how, message: encodeEvent(said) };
    const place = { epoch, offset };
    const message = encodeEvent({ ...said, place });
    return { ...how, message, of: this.#catchingUp, stream, place };
  }

  gap(stream: StreamName, start: Extract<ReadSince, { recovered: false }>): void {
    if (!this.isLive || stream === clientStreamOf(this.app, this.channel)) return;
    this.#catchingUp.lost(stream, start);
    this.#sayGap(start.reason);
  }

  revoked(_stream: StreamName): void {
    if (!this.#isOver()) this.#refuse();
  }

  /** Whoever comes again is told what could not be checked now. */
  unverifiable(): void {
    this.connection.close(CLOSE.overCapacity.code, CLOSE.overCapacity.says);
  }

  #isOver(): boolean {
    return this.#state === 'ended';
  }

  #hasExpired(): boolean {
    return this.principal !== undefined && this.principal.expiresAtMs <= this.#parts.clock.now();
  }

  /** The hub asks for each stream; before others are told that somebody is there, it is asked here. */
  async #mayRead(): Promise<boolean> {
    const member = memberOf(this.channel);
    if (member === undefined) return true;
    if (this.principal === undefined || this.#hasExpired()) return false;
    if (this.kind.access !== 'presence') return true;
    const { rights } = this.#parts;
    const readable = await rights.readable(this.principal, documentsOf(member));
    return readable.some((may) => may);
  }

  async #join(): Promise<readonly PresentUser[] | undefined> {
    if (this.user === undefined || this.kind.access !== 'presence') return undefined;
    this.#joined = true;
    const { presence } = this.#parts;
    const max = PUSHER_LIMITS.presenceMembersMax;
    return await presence.join(this.key, this.user, this.connection.id, max);
  }

  async #cached(): Promise<Cached | undefined> {
    if (!this.kind.cache) return undefined;
    const { log, clock } = this.#parts;
    return await cachedOf(log, streamOf(this.app, this.channel), clock.now());
  }

  /** The answer, then what a cache channel holds; the hub tells the rest. */
  #begin(
    started: readonly Started[],
    since: Parameters<CatchingUp['begin']>[1],
    users: readonly PresentUser[] | undefined,
    cached: Cached | undefined,
  ): void {
    if (this.#isOver()) return;
    if (started.some(({ start }) => start === 'denied')) {
      this.#refuse();
      return;
    }
    this.#state = 'live';
    this.#send(said.subscribed(this.channel, users));
    for (const frame of this.#view?.begin(users ?? []) ?? []) this.#send(frame);
    const begun = this.#catchingUp.begin(started, since, (event) => this.#named(event));
    for (const reason of begun.gaps) this.#sayGap(reason);
    for (const why of ['expired', 'superseded'] as const) {
      this.#leftOut(begun.leftOut.get(why) ?? [], why);
    }
    if (cached !== undefined) this.#sayCached(cached);
    this.#of.onLive(this);
  }

  #sayCached({ event }: Cached): void {
    const { app, channel } = this;
    if (event === undefined) {
      this.#send(said.cacheMiss(channel));
      this.#parts.webhooks.tell(app, { name: 'cache_miss', channel });
    } else this.#send(encodeEvent({ event: event.name, channel, data: event.data }));
  }

  #send(frame: string): void {
    this.#of.connection.send(frame, { tag: this.channel });
  }

  /** An ordinary event: an SDK that does not know it hands it to nobody. */
  #sayGap(reason: string): void {
    const { channel } = this;
    if (memberOf(channel) === undefined) return;
    this.#send(encodeEvent({ event: GAP_EVENT, channel, data: JSON.stringify({ reason }) }));
  }

  /** Never in silence: what was left out is counted and in the audit. */
  #leftOut(events: readonly GatewayEvent[], why: 'expired' | 'superseded'): void {
    const [first] = events;
    if (first === undefined) return;
    const { metrics, audit, report } = this.#parts;
    for (const _ of events) metrics.dropped(why);
    const member = memberOf(this.channel);
    const types = [...new Set(events.map(labelOf))].join(', ');
    const entry = {
      action: 'notify',
      outcome: 'denied',
      correlationId: first.id,
      what: member === undefined ? [] : [{ uri: `mcp://twins/member/${member}/care` }],
      why: `not told, ${why}: ${types}`,
      count: events.length,
      ...(this.principal && { principal: this.principal }),
    } as const;
    audit.append(entry).catch(report);
  }

  #named(event: GatewayEvent): NamedEvent | undefined {
    if (event.topic === 'pusher') return namedOnApp(event);
    return namedOnMember(event, this.kind.access === 'presence' ? 'presence' : 'private');
  }

  async #register(): Promise<void> {
    const { registry } = this.#parts;
    const member = memberOf(this.channel);
    const { id } = this.connection;
    await registry.add(`channel:${this.key}`, id);
    if (member !== undefined) await registry.add(`member:${member}`, id);
  }

  async #left(): Promise<void> {
    const { registry, presence } = this.#parts;
    const { id } = this.connection;
    this.#catchingUp.close(this.#forget);
    const joined = this.#joined;
    this.#joined = false;
    if (joined) await presence.leave(this.key, id);
    await registry.remove(`channel:${this.key}`, id);
    const member = memberOf(this.channel);
    if (member !== undefined && !this.#of.holds(member, this)) {
      await registry.remove(`member:${member}`, id);
    }
  }

  /** Both that it was refused and of which channel: no SDK understands all of it. */
  #refuse(): void {
    const { metrics } = this.#parts;
    metrics.authFailure();
    this.#stop(null, 'The subscription is not authorized');
  }

  #failed(isFull: boolean): void {
    if (isFull) this.#stop(null, 'The channel is full');
    else this.#stop(null, 'The subscription cannot be made at the moment');
  }

  #stop(code: number | null, says: string): void {
    const { connection } = this.#of;
    connection.purge((tag) => tag === this.channel);
    connection.send(said.error(code, says, this.channel));
    connection.send(said.subscriptionError(this.channel));
    this.end();
    this.#of.onEnded(this);
  }
}

function pause(clock: PusherParts['clock'], ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

function senderOf({ data, topic }: GatewayEvent): { userId?: string } {
  const id = topic === 'pusher' ? data?.user_id : undefined;
  return typeof id === 'string' ? { userId: id } : {};
}

/** From a closed list: names of an app's own events are its own. */
function labelOf(event: GatewayEvent): string {
  return event.topic === 'pusher' ? 'pusher' : event.type;
}

/** What becomes of it where the client reads too slowly (realtime.md §5.4). */
function slowness({ uri }: GatewayEvent, name: string) {
  if (isClientEvent(name)) return { policy: 'drop' } as const;
  if (name === 'twin.updated' && uri !== undefined) return { policy: 'latest', key: uri } as const;
  return { policy: 'resume' } as const;
}
