import { Fault } from '../../../kernel/errors.ts';
import type { Principal } from '../../../twin/ports.ts';
import type { Connection, ConnectionHandler, UpgradeRequest } from '../../ports.ts';
import { Acks } from './acks.ts';
import { appEvent } from './app-event.ts';
import type { PusherApp } from './apps.ts';
import { type AskedOf, authorize, authorizeUser } from './authorize.ts';
import { channelKind, memberOf } from './channels.ts';
import { CLIENT_EVENT_REFUSED, CLOSE } from './codes.ts';
import { type ClientFrame, decodeFrame, type PresenceUser, said } from './frames.ts';
import { PUSHER_LIMITS } from './limits.ts';
import type { PusherParts } from './parts.ts';
import { verifyUser } from './signatures.ts';
import { clientStreamOf } from './streams.ts';
import { ChannelSubscription, type Subscribed } from './subscription.ts';
import { Turns } from './turns.ts';

export interface SessionOptions {
  readonly app: PusherApp;
  readonly connection: Connection;
  readonly request: UpgradeRequest;
  /** pusher-js answers `pusher:ping`; the others answer pings of the WebSocket alone. */
  readonly isJs: boolean;
  readonly parts: PusherParts;
  readonly hasEnded: AskedOf['hasEnded'];
  /** Of this instance: whose turn it is goes by it. */
  readonly number: number;
  readonly on: SessionEvents;
}

/** What the face hears of a session. */
export interface SessionEvents {
  live(subscription: ChannelSubscription): void;
  ended(subscription: ChannelSubscription): void;
  /** Something was delivered that a ping has to ask for. */
  asking(session: PusherSession): void;
  closed(session: PusherSession): void;
}

/** Tokens end; who comes again at once should not be everybody at the same time. */
const EXPIRY_SPREAD_MS = 1_500;

/** One Pusher client, from the first byte to the last (realtime.md §2). */
export class PusherSession implements ConnectionHandler {
  readonly app: PusherApp;
  readonly connection: Connection;
  readonly acks: Acks;
  /** Whoever's grants it holds or held: what ends them ends it. */
  readonly principals = new Set<Principal>();
  readonly #parts: PusherParts;
  readonly #options: SessionOptions;
  readonly #subscriptions = new Map<string, ChannelSubscription>();
  readonly #turns = new Turns();
  readonly #openedAt: number;
  #user: PresenceUser | undefined;
  #state: 'parked' | 'open' | 'closed' = 'parked';
  #second = 0;
  #clientEvents = 0;
  #frames = 0;
  #expiry: { readonly at: number; cancel(): void } | undefined;

  constructor(options: SessionOptions) {
    const { parts, connection, isJs } = options;
    this.#options = options;
    this.#parts = parts;
    this.app = options.app;
    this.connection = connection;
    this.acks = new Acks(connection, isJs, said.ping());
    this.#openedAt = parts.clock.monotonic();
  }

  /** 4200 brings pusher-js back in 5 ms, so that a young connection would make it spin. */
  readonly codes = {
    silent: CLOSE.pongMissing.code,
    slow: CLOSE.overCapacity.code,
    comeAgain: CLOSE.overCapacity.code as number,
  };

  get number(): number {
    return this.#options.number;
  }

  get userId(): string | undefined {
    return this.#user?.id;
  }

  get subscriptions(): Iterable<ChannelSubscription> {
    return this.#subscriptions.values();
  }

  /** The client subscribes once it hears this: so it is what paces a crowd. */
  established(): void {
    if (this.#state !== 'parked') return;
    this.#state = 'open';
    const { activityTimeoutSeconds } = PUSHER_LIMITS;
    this.connection.send(said.established(this.connection.id, activityTimeoutSeconds));
  }

  text(message: string): void {
    if (this.#state !== 'open' || this.#saysTooMuch()) return;
    this.#tell(this.#handle(decodeFrame(message)));
  }

  binary(): void {
    this.#tell({ says: 'Binary messages are not part of the protocol' });
  }

  #handle(frame: ClientFrame): Refused | undefined {
    switch (frame.kind) {
      case 'subscribe':
        return this.#subscribe(frame);
      case 'unsubscribe':
        return this.#unsubscribe(frame.channel);
      case 'signin':
        return this.#signIn(frame);
      case 'client-event':
        return this.#clientEvent(frame);
      case 'ping':
        this.connection.send(said.pong());
        return undefined;
      case 'pong':
        this.acks.pongEvent();
        return undefined;
      case 'wrong':
        return { says: frame.why };
    }
  }

  pong(token: string): void {
    this.acks.pong(token);
  }

  draining(_withinMs: number): void {
    if (this.#isYoung()) return;
    this.codes.comeAgain = CLOSE.reconnect.code;
  }

  closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#expiry?.cancel();
    for (const subscription of this.#subscriptions.values()) this.#end(subscription, false);
    this.#subscriptions.clear();
    this.#options.on.closed(this);
  }

  /** Another time at once, or a second after it came where it is younger. */
  comeAgain(): void {
    const { clock } = this.#parts;
    const youth = PUSHER_LIMITS.reconnectAfterMs - (clock.monotonic() - this.#openedAt);
    const close = (): void => this.connection.close(CLOSE.reconnect.code, CLOSE.reconnect.says);
    if (youth <= 0) close();
    else clock.after(youth, close);
  }

  /** For ever: stock SDKs do not come back from it (realtime.md §2.6). */
  revoke(): void {
    const { code, says } = CLOSE.revoked;
    this.connection.send(said.error(code, says));
    this.connection.close(code, says);
  }

  #isYoung(): boolean {
    return this.#parts.clock.monotonic() - this.#openedAt < PUSHER_LIMITS.reconnectAfterMs;
  }

  #tell(refused: Refused | undefined): void {
    if (refused === undefined) return;
    const { code = null, says, channel } = refused;
    this.connection.send(said.error(code, says, channel));
  }

  // ------------------------------------------------------------------------------- channels

  #subscribe(frame: Extract<ClientFrame, { kind: 'subscribe' }>): Refused | undefined {
    const { channel } = frame;
    const kind = channelKind(channel);
    if (kind === undefined) return { says: 'Invalid channel name' };
    if (this.#subscriptions.has(channel)) {
      return { says: `Existing subscription to channel ${channel}` };
    }
    if (this.#subscriptions.size >= PUSHER_LIMITS.channelsPerConnectionMax) {
      return { says: 'Too many channels', channel };
    }
    const authorized = authorize(this.#parts.grants, this.#asked(), { ...frame, kind });
    if (authorized !== undefined) {
      this.#add({ channel, kind, ...authorized });
      return undefined;
    }
    this.#parts.metrics.authFailure();
    this.connection.send(said.subscriptionError(channel));
    return { says: 'The subscription is not authorized', channel };
  }

  #asked(): AskedOf {
    const { app, connection } = this;
    const { hasEnded } = this.#options;
    const nowMs = this.#parts.clock.now();
    return { app, socketId: connection.id, user: this.#user, nowMs, hasEnded };
  }

  #add(subscribed: Subscribed): void {
    const { connection, app, acks } = this;
    const { on, request } = this.#options;
    const subscription = new ChannelSubscription(
      this.#parts,
      {
        ...{ app, connection, acks, remoteAddress: request.remoteAddress },
        onDelivered: () => on.asking(this),
        onLive: (live) => on.live(live),
        holds: (member, besides) => this.#holds(member, besides),
        onEnded: (ended) => this.#ended(ended),
      },
      subscribed,
    );
    this.#subscriptions.set(subscription.channel, subscription);
    const { principal } = subscription;
    if (principal !== undefined) this.#holdUntil(principal);
    this.#turns.take(subscription.channel, () => subscription.start());
  }

  #holds(member: string, besides: ChannelSubscription): boolean {
    return this.#subscriptions
      .values()
      .some((one) => one !== besides && memberOf(one.channel) === member);
  }

  #unsubscribe(channel: string): Refused | undefined {
    const subscription = this.#subscriptions.get(channel);
    if (subscription !== undefined) {
      this.#subscriptions.delete(channel);
      this.#end(subscription, true);
      return undefined;
    }
    if (channelKind(channel) === undefined) return { says: 'Invalid channel name' };
    const says = `No current subscription to channel ${channel}, or subscription in progress`;
    return { says };
  }

  #end(subscription: ChannelSubscription, forget: boolean): void {
    subscription.end(forget);
    this.#options.on.ended(subscription);
    this.#turns.take(subscription.channel, () => subscription.leave());
  }

  #ended(subscription: ChannelSubscription): void {
    const { channel } = subscription;
    if (this.#subscriptions.get(channel) === subscription) this.#subscriptions.delete(channel);
    this.#options.on.ended(subscription);
    this.#turns.take(channel, () => subscription.leave());
  }

  // ----------------------------------------------------------------------- users and tokens

  #signIn({ auth, userData }: Extract<ClientFrame, { kind: 'signin' }>): Refused | undefined {
    const socketId = this.connection.id;
    const isSigned = verifyUser(this.app, { socketId, auth, userData });
    const signedIn = isSigned
      ? authorizeUser(this.#parts.grants, this.#asked(), userData)
      : undefined;
    if (signedIn === undefined) {
      this.#parts.metrics.authFailure();
      return { says: 'The sign-in is not authorized' };
    }
    const { user, grant } = signedIn;
    if (this.#user !== undefined && this.#user.id !== user.id) {
      return { says: 'Signed in as another user already' };
    }
    this.#user = user;
    if (grant !== undefined) this.#holdUntil(grant.principal);
    this.connection.send(said.signedIn(userData));
    return undefined;
  }

  /**
   * Nothing is told past a token's end (the hub and each subscription see to it). The connection then
   * ends with 4200: the client asks its authorization endpoint anew, and is told what it missed.
   */
  #holdUntil(principal: Principal): void {
    this.principals.add(principal);
    const { clock } = this.#parts;
    const at = principal.expiresAtMs;
    if (this.#expiry !== undefined && this.#expiry.at <= at) return;
    this.#expiry?.cancel();
    const spread = Math.random() * EXPIRY_SPREAD_MS;
    const timer = clock.after(at - clock.now() + spread, () => this.comeAgain());
    this.#expiry = { at, cancel: () => timer.cancel() };
  }

  // -------------------------------------------------------------------------- client events

  #clientEvent(frame: Extract<ClientFrame, { kind: 'client-event' }>): Refused | undefined {
    const subscription = this.#subscriptions.get(frame.channel);
    const says = this.#refusedBecause(frame, subscription);
    const { event: name, channel, data } = frame;
    if (says !== undefined || subscription === undefined) {
      const known = channelKind(channel) === undefined ? {} : { channel };
      return { says: says ?? NOT_SUBSCRIBED, code: CLIENT_EVENT_REFUSED, ...known };
    }
    const { clock, hub, report, webhooks } = this.#parts;
    const { id: socketId } = this.connection;
    const userId = subscription.kind.access === 'presence' ? subscription.user?.id : undefined;
    const event = {
      ...appEvent(this.app, { channel, name, data, nowMs: clock.now(), socketId }),
      ...(userId !== undefined && { data: { user_id: userId } }),
    };
    hub.publish(clientStreamOf(this.app, channel), event, [event.id]).catch((error: unknown) => {
      if (!(error instanceof Fault)) report(error);
      this.#tell({ says: 'The event could not be sent', code: CLIENT_EVENT_REFUSED, channel });
    });
    const by = { socket_id: socketId, ...(userId !== undefined && { user_id: userId }) };
    webhooks.tell(this.app, { name: 'client_event', channel, event: name, data, ...by });
    return undefined;
  }

  #refusedBecause(
    { event, data }: Extract<ClientFrame, { kind: 'client-event' }>,
    subscription: ChannelSubscription | undefined,
  ): string | undefined {
    if (subscription?.isLive !== true) return NOT_SUBSCRIBED;
    const { access, encrypted } = subscription.kind;
    if (encrypted || (access !== 'private' && access !== 'presence')) {
      return 'Client events are for private and presence channels that are not encrypted';
    }
    if (event.length > PUSHER_LIMITS.eventCharsMax) return 'The name of the event is too long';
    if (Buffer.byteLength(data) > PUSHER_LIMITS.payloadBytesMax) return 'The data is too large';
    return this.#isTooOften() ? 'More than 10 client events in a second' : undefined;
  }

  #isTooOften(): boolean {
    this.#clientEvents += 1;
    return this.#clientEvents > PUSHER_LIMITS.clientEventsPerSecond;
  }

  /** Whoever says more in a second than an SDK with all its channels is sent away for one. */
  #saysTooMuch(): boolean {
    const second = Math.floor(this.#parts.clock.monotonic() / 1_000);
    if (second !== this.#second) {
      this.#clientEvents = 0;
      this.#frames = 0;
    }
    this.#second = second;
    this.#frames += 1;
    if (this.#frames <= PUSHER_LIMITS.framesPerSecond) return false;
    this.connection.close(CLOSE.overCapacity.code, CLOSE.overCapacity.says);
    return true;
  }
}

interface Refused {
  readonly says: string;
  readonly code?: number;
  readonly channel?: string;
}

const NOT_SUBSCRIBED = 'Not subscribed to the channel';
