/**
 * What the parts of the gateway need of each other: transport, connections, streams with a log
 * each, presence, registry and rights. The faces (`protocols/own`, `protocols/pusher`) stand on
 * these alone. Sources: realtime.md §5; contract.md "HTTP and events".
 */

import type { Variant } from '../contract/documents.ts';
import type { StreamPlace, Unrecovered, WsTopic } from '../contract/frames.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Principal } from '../twin/ports.ts';

// ---------------------------------------------------------------------------------- transport

/** One WebSocket, whatever library stands behind it. */
export interface Socket {
  /** Bytes handed over that the kernel has not taken yet. */
  readonly bufferedBytes: number;
  readonly isOpen: boolean;
  /** Text messages in one write; `taken` once the kernel has them, or the socket is gone. */
  send(messages: readonly string[], taken: () => void): void;
  /**
   * A ping frame of the WebSocket itself (RFC 6455 §5.5.2); every client answers it unasked, with the
   * same token (ASCII, at most 125 characters).
   */
  ping(token?: string): void;
  /** Close frame. A stalled peer never sees it: `terminate` after a bounded time. */
  close(code: number, reason: string): void;
  /** Resets the TCP connection at once, with all that is queued. */
  terminate(): void;
  /** Stops, and goes on, reading. */
  pause(): void;
  resume(): void;
}

/** What a socket tells; set once, before its first byte is read. */
export interface SocketEvents {
  text(message: string): void;
  /** A binary message; neither protocol has any. */
  binary(): void;
  /** Any byte came, pongs included: the peer is alive. */
  alive(): void;
  pong(token: string): void;
  closed(code: number): void;
}

/** What came with the handshake. */
export interface UpgradeRequest {
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Node's, name and value in turn. */
  readonly rawHeaders: readonly string[];
  /** Address of the peer: for rates alone, never for a log. */
  readonly remoteAddress: string;
}

// --------------------------------------------------------------------------------- connections

/**
 * What becomes of a message when its receiver reads too slowly (realtime.md §5.4).
 * `resume`: the connection is ended, and what was missed is told to who comes again.
 * `latest`: a later message of the same `key` takes its place. `drop`: it is left out and counted.
 */
export type SlowPolicy = 'resume' | 'latest' | 'drop';

export interface Sending {
  /** Default `resume`. */
  readonly policy?: SlowPolicy;
  /** For `latest`: what makes two messages of the same thing. */
  readonly key?: string;
  /** Called with how many messages it stands for, where it took the place of others. */
  readonly conflate?: (count: number) => string;
  /** By which `purge` finds it while it waits. */
  readonly tag?: string;
  /** Label of `websocket_events_pushed_total`: an event's type; absent for the protocol's own. */
  readonly eventType?: string;
}

/** One connected client, of either face. Its queue is bounded by bytes and by age. */
export interface Connection {
  /** Unique over all instances: `^\d+\.\d+$`, as Pusher's clients want it. */
  readonly id: string;
  readonly isOpen: boolean;
  /** Of the queue, with what the socket holds, in bytes. */
  readonly queuedBytes: number;
  /** Milliseconds of the monotonic clock: when the last byte came. */
  readonly heardAt: number;
  /** In order; `false` when the connection is ending or the message was left out. */
  send(message: string, how?: Sending): boolean;
  /** Takes waiting messages back; answers how many. */
  purge(takes: (tag: string) => boolean): number;
  /** Close frame, then `terminate` within a second. */
  close(code: number, reason: string): void;
  terminate(): void;
  /** At once: ahead of what still waits in the queue. */
  ping(token?: string): void;
}

/** What a face does with one connection. None of them throws. */
export interface ConnectionHandler {
  text(message: string): void;
  /** A binary message came. */
  binary(): void;
  /** @param token of the ping that it answers; empty for a heartbeat */
  pong?(token: string): void;
  /** Said once, when the server begins to end: the connection is closed within `withinMs`. */
  draining(withinMs: number): void;
  /** The close code for a client that should come again (drain, too slow, no room). */
  readonly codes: { readonly comeAgain: number; readonly slow: number; readonly silent: number };
  closed(): void;
}

/** A protocol: which paths it answers, and what it does with who comes. */
export interface Face {
  readonly name: string;
  /** Bytes that may wait for one connection (P7: 64 KB; realtime.md §5.4: 1 MB). */
  readonly queueBytesMax: number;
  /** One message of a client. */
  readonly messageBytesMax: number;
  /** WebSocket sub-protocols that it speaks; the first that the client names is chosen. */
  readonly subprotocols: readonly string[];
  /** How often a silent connection is pinged; after two of them without a byte it is closed. */
  readonly heartbeatMs: number;
  serves(path: string): boolean;
  open(connection: Connection, request: UpgradeRequest): ConnectionHandler;
}

/**
 * Accept and park (realtime.md §5.5): the upgrade is never refused; what costs (authentication,
 * subscriptions) waits here for its turn. `false`: no room within the time, tell them to come again.
 */
export interface Admission {
  admit(connection: Connection, waitMsMax: number): Promise<boolean>;
}

// ------------------------------------------------------------------------------------- streams

/** An event as the channel log keeps it. */
export interface GatewayEvent {
  /** Header id of the event. */
  readonly id: string;
  /** Word of the event; on a stream of Pusher's faces its event name. */
  readonly type: string;
  readonly topic: WsTopic | 'pusher';
  readonly tenant: string;
  readonly member?: string;
  /** The subscriber's account, where the event names one. */
  readonly account?: string;
  readonly session?: string;
  /** Source system, from the provenance. */
  readonly source?: string;
  readonly uri?: string;
  /** Of a change of a document: only who is granted this variant is told. */
  readonly variant?: Variant;
  readonly etag?: string;
  /** Where the log of accepted records stands behind it. */
  readonly place?: { readonly epoch: string; readonly partition: number; readonly offset: number };
  /**
   * URI that a receiver has to be able to read, by the newest decision; absent: no right is asked
   * (a Pusher channel of a customer's own, whose key holder decides).
   */
  readonly needs?: string;
  /** ISO 8601: when it happened. */
  readonly time: string;
  /** ISO 8601: later it must not be told any more. */
  readonly validUntil?: string;
  /** Fields of the event besides, JSON. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** What a backend said for the apps, byte for byte (`data` of call events, Pusher's `data`). */
  readonly raw?: string;
  /** Pusher `socket_id` that is left out. */
  readonly except?: string;
}

/**
 * Name of a stream: `member:{id}`, `session:{id}`, or `pusher:{app}:{channel}`. Member and session
 * ids are unique over all tenants; the event says whose it is, and whoever is of another tenant is
 * told nothing.
 */
export type StreamName = string;

/** One event in its stream. `prev` is the offset of the one before it, 0 for the first. */
export interface StreamEntry {
  readonly offset: number;
  readonly prev: number;
  readonly event: GatewayEvent;
}

export type ReadSince =
  | {
      readonly recovered: true;
      readonly epoch: string;
      /** Everything up to here is in `entries`, or was seen before. Never below `since`. */
      readonly offset: number;
      /** Offset of the newest entry, 0 where there never was one. */
      readonly top: number;
      readonly entries: readonly StreamEntry[];
    }
  | {
      readonly recovered: false;
      readonly reason: Unrecovered;
      readonly epoch: string;
      readonly offset: number;
      readonly top: number;
    };

/**
 * One log a stream: a cache of what the log of events says, so that who comes again is told what
 * was missed. Offsets grow with the clock of the store (microseconds), never by one: a receiver
 * cannot tell from them whether there is something that it may not know. Never a partial replay.
 */
export interface ChannelLog extends Service {
  /**
   * Once for any of the keys within a day (topic/partition/offset of the origin, the event's id);
   * for a duplicate the answer is where it stands.
   * @throws Fault LOG_UNAVAILABLE (then nothing was written, or it was and a repetition is
   * a duplicate)
   */
  append(
    stream: StreamName,
    event: GatewayEvent,
    dedup: readonly string[],
  ): Promise<StreamPlace & { readonly duplicate: boolean }>;
  /** Everything after `since`; without one, where the stream stands now. */
  read(stream: StreamName, since?: StreamPlace): Promise<ReadSince>;
  /** Where streams stand, in order; for the look at idle ones. */
  tops(streams: readonly StreamName[]): Promise<readonly { epoch: string; top: number }[]>;
  /** Begins the stream anew: what could not be written to it must not look as if it never was. */
  renew(stream: StreamName): Promise<void>;
  /** Called for each append, of any instance: in order of a stream, but some may be missing. */
  onEntry(listener: (stream: StreamName, epoch: string, entry: StreamEntry) => void): () => void;
  /** Not reachable: what this instance appends reaches its own subscribers only. */
  readonly degraded: boolean;
}

/** One subscription to one or more streams, as a face sees it. */
export interface Subscriber {
  readonly connection: Connection;
  /** Who is told; `undefined` where events need no right. May be another one after a refresh. */
  readonly principal: Principal | undefined;
  /** By topics and filters, without asking anybody. */
  wants(event: GatewayEvent): boolean;
  /** URIs of which at least one must be readable for the subscription to a stream to stand. */
  needs(stream: StreamName): readonly string[];
  /** What goes over the wire, with how it may be slow; `undefined`: nothing. */
  frame(told: Told): Framed | undefined | Promise<Framed | undefined>;
  /** Something was lost while connected: what follows goes on from there. */
  gap(stream: StreamName, start: Extract<ReadSince, { recovered: false }>): void;
  /** Nothing of the stream may be read any more; it is no longer subscribed. */
  revoked(stream: StreamName): void;
  /** What it may know cannot be told now: end the connection so that it comes again. */
  unverifiable(): void;
}

export interface Told {
  readonly stream: StreamName;
  readonly epoch: string;
  readonly entry: StreamEntry;
  readonly replayed: boolean;
}

export interface Framed extends Sending {
  readonly message: string;
}

export interface Started {
  readonly stream: StreamName;
  /** `denied` looks the same whether or not there is such a member. */
  readonly start: ReadSince | 'denied';
}

/** Subscriptions of all connections of this instance. */
export interface Hub extends Service {
  /**
   * Live first; then the log is read to its high-water mark, `onStart` is told how each stream
   * begins (send the protocol's answer there), and what was missed follows, then what came since.
   * @param since by stream; one that is missing begins now
   * @throws Fault RATE_LIMITED past the bounds
   */
  subscribe(
    subscriber: Subscriber,
    streams: readonly StreamName[],
    since: ReadonlyMap<StreamName, StreamPlace>,
    onStart: (started: readonly Started[]) => void,
  ): Promise<void>;
  unsubscribe(subscriber: Subscriber): void;
  /** To the log and nothing else: whoever is subscribed, here or elsewhere, hears of it from there. */
  publish(
    stream: StreamName,
    event: GatewayEvent,
    dedup: readonly string[],
  ): Promise<StreamPlace & { readonly duplicate: boolean }>;
  /** The principal behind a subscriber is another one (a refresh): its rights are asked again. */
  renewed(subscriber: Subscriber): void;
  readonly subscriptions: number;
}

// -------------------------------------------------------------------------------------- rights

/** Whether events may be told: by the same access as everywhere. */
export interface Rights {
  /**
   * One answer an event, in order: its `needs` may be read by the principal, in its `variant` where
   * it has one, and it is of the principal's tenant.
   * @throws Fault ACCESS_UNAVAILABLE: nothing may be told then
   */
  mayKnow(principal: Principal, events: readonly GatewayEvent[]): Promise<boolean[]>;
  /** Which of the URIs may be read now. */
  readable(principal: Principal, uris: readonly string[]): Promise<boolean[]>;
  /** What was asked to be told of, for the audit: both outcomes. */
  asked(
    principal: Principal,
    uris: readonly { readonly uri: string; readonly granted: boolean }[],
  ): Promise<void>;
  /** What was not told because it means nothing any more, for the audit: never in silence. */
  withheld(deliveries: readonly Delivery[]): Promise<void>;
  /** Before bytes leave: one durable record of who was told of what; floors are raised. */
  told(deliveries: readonly Delivery[]): Promise<void>;
}

export interface Delivery {
  readonly principal: Principal;
  readonly connection: string;
  readonly event: GatewayEvent;
}

/**
 * When the view of this instance shows the fact that an event announces; bounded.
 * @param since milliseconds of the monotonic clock: what came together waits together, not in turn
 */
export type Ready = (event: GatewayEvent, since: number) => Promise<void> | undefined;

// ------------------------------------------------------------------------- presence, registry

/** `info` as the face gave it; at most 1 KB (realtime.md §2.4). */
export interface PresentUser {
  readonly id: string;
  readonly info?: unknown;
}

export interface PresenceChange {
  readonly channel: string;
  readonly kind: 'member_added' | 'member_removed';
  readonly user: PresentUser;
}

/**
 * Who is there, over all instances: one `member_added` with the first connection of a user, one
 * `member_removed` after the last and 3 s of grace; of an instance that is gone, within 15 s.
 */
export interface Presence extends Service {
  /** Answers who is there, the joiner included. @throws Fault RATE_LIMITED past `usersMax` */
  join(
    channel: string,
    user: PresentUser,
    connection: string,
    usersMax: number,
  ): Promise<readonly PresentUser[]>;
  leave(channel: string, connection: string): Promise<void>;
  users(channel: string): Promise<readonly PresentUser[]>;
  /** Called on every instance, once a change. */
  onChange(listener: (change: PresenceChange) => void): () => void;
}

/** Which connections there are, over all instances: `ws:member:{id}`, 24 h at most. */
export interface Registry extends Service {
  add(key: RegistryKey, connection: string): Promise<void>;
  remove(key: RegistryKey, connection: string): Promise<void>;
  /** Of instances that live. */
  connections(key: RegistryKey): Promise<readonly RegisteredConnection[]>;
}

/** `ws:member:{id}`, `ws:user:{id}` (signed in with Pusher), `ws:channel:{app}:{channel}`. */
export type RegistryKey = `member:${string}` | `user:${string}` | `channel:${string}`;

export interface RegisteredConnection {
  readonly connection: string;
  readonly instance: string;
}
