/**
 * The gateway's own protocol at `/v1/ws`, version 1: what a client says and hears, message by
 * message (docs/gateway.md). Types only, so that it costs an app nothing; the rules by which the
 * server takes a message, and the JSON Schemas of all of them, stand in `frames-schema.ts`.
 *
 * One text message is one JSON object with a `type`. The type of an event has a dot
 * (`call.accepted`); that of a message of the protocol itself has none (`welcome`).
 */

import type { BreakGlassBanner } from './break-glass.ts';

export const WS_PATH = '/v1/ws';
export const PROTOCOL_VERSION = 1;
/** Sub-protocol of the handshake (RFC 6455 §1.9); may be left out. */
export const WS_SUBPROTOCOL = 'digital-twin.v1';

/** Client topics (contract "HTTP and events"). */
export const WS_TOPICS = [
  'twins',
  'rte-completion',
  'call-notifications',
  'session-events',
  'presence',
] as const;
export type WsTopic = (typeof WS_TOPICS)[number];

/** What a filter may look at: headers of an event, never what it says. */
export const FILTER_FIELDS = ['member', 'account', 'session', 'type', 'uri', 'source'] as const;
export type FilterField = (typeof FILTER_FIELDS)[number];

/** Flat conditions and their combinations; there is no expression language. */
export type Filter =
  | { readonly field: FilterField; readonly eq: string }
  | { readonly field: FilterField; readonly in: readonly string[] }
  | { readonly field: FilterField; readonly prefix: string }
  | { readonly and: readonly Filter[] }
  | { readonly or: readonly Filter[] }
  | { readonly not: Filter };

export const FILTER_BOUNDS = { nodes: 32, depth: 4, values: 100, valueChars: 200 } as const;
/** Streams in one subscription, and subscriptions of one connection. */
export const SUBSCRIPTION_BOUNDS = { streams: 100, subscriptions: 100, idChars: 64 } as const;
/** One message of a client, UTF-8 bytes. */
export const CLIENT_MESSAGE_BYTES_MAX = 64 * 1024;

/**
 * A place in one stream. `offset` grows with every event and says nothing of how many there are:
 * compare only within one epoch of one stream.
 */
export interface StreamPlace {
  /** New when the stream was lost and begins anew. */
  readonly epoch: string;
  /** A whole number below 2^53. */
  readonly offset: number;
}

/** The last place seen. */
export interface SeenPlace extends StreamPlace {
  /** Of the last frame that had one: by it the change feed goes on where the stream cannot. */
  readonly position?: string;
}

/** Why a stream cannot be told whole from `since` on. Nothing is replayed then. */
export const UNRECOVERED = ['epoch_changed', 'trimmed', 'too_many'] as const;
export type Unrecovered = (typeof UNRECOVERED)[number];

/** An event. Fields past those of the contract name where it belongs and what it carries. */
export interface EventFrame extends StreamPlace {
  /** Of the event: the same whenever and wherever it is told. */
  readonly id: string;
  /** Word of the event, such as `twins.resource-updated`. */
  readonly type: string;
  readonly topic: WsTopic;
  /** Which subscription it is for, by the id that the client gave. */
  readonly subscription: string;
  /** `member:{id}` or `session:{id}`: what `epoch` and `offset` are of. */
  readonly stream: string;
  /** Document that it is about. */
  readonly uri?: string;
  /** For `minPosition`: from there on a read shows at least this. */
  readonly position?: string;
  /** ISO 8601: when it happened at its producer. */
  readonly time: string;
  /** What the event says besides: its fields as JSON of Protocol Buffers, without those above. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** With `include: "document"`: the document as `resources/read` gives it. */
  readonly document?: unknown;
  /** With a document that is open to the caller by break-glass: whose, why and until when. */
  readonly breakGlass?: readonly BreakGlassBanner[];
  /** The document is too large for a frame, or not to be had now: read it. */
  readonly documentOmitted?: true;
  /** Told after `since`, not as it happened. */
  readonly replayed?: true;
  /** Events of the same document that it stands for, where the client was slow. */
  readonly conflated?: number;
}

/** The first message, where the address has no `token`; within 5 s. */
export interface HelloMessage {
  readonly type: 'hello';
  readonly token: string;
}

export interface SubscribeMessage {
  readonly type: 'subscribe';
  /** The client's own, unique on the connection. */
  readonly id: string;
  readonly topics: readonly WsTopic[];
  /**
   * Has to say of whom: `member` or `session` by `eq` or `in`. Without either, of the one member
   * who the caller is.
   */
  readonly filters?: Filter;
  /** By stream, the last place seen; one place alone where there is but one stream. */
  readonly since?: SeenPlace | Readonly<Record<string, SeenPlace>>;
  readonly include?: 'document';
}

export interface UnsubscribeMessage {
  readonly type: 'unsubscribe';
  readonly id: string;
}

/** Another token of the same subject, client and tenant takes the place of the one before. */
export interface RefreshMessage {
  readonly type: 'refresh';
  readonly token: string;
}

/** Everything of the stream up to there was handled. */
export interface AckMessage extends StreamPlace {
  readonly type: 'ack';
  readonly stream: string;
}

export interface PingMessage {
  readonly type: 'ping';
  readonly id?: string;
}

/** Says to those who are subscribed to `presence` of a member that the caller is there, or not. */
export interface PresenceMessage {
  readonly type: 'presence';
  readonly member: string;
  readonly action: 'join' | 'leave';
}

export type ClientMessage =
  | HelloMessage
  | SubscribeMessage
  | UnsubscribeMessage
  | RefreshMessage
  | AckMessage
  | PingMessage
  | PresenceMessage;

/** The connection is known and paced in: now it may subscribe. */
export interface WelcomeFrame {
  readonly type: 'welcome';
  readonly protocol: typeof PROTOCOL_VERSION;
  readonly connection: string;
  /** Say something (`ping`) at least so often; the server does. */
  readonly heartbeatMs: number;
  /** ISO 8601 */
  readonly tokenExpiresAt: string;
}

/** How one stream of a subscription begins. */
export interface StreamStart extends StreamPlace {
  readonly stream: string;
  /** Everything since `since` follows; `true` where none was given. */
  readonly recovered: boolean;
  readonly reason?: Unrecovered;
  /** Not recovered: the position of `since`, from which the change feed goes on. */
  readonly position?: string;
  /** The same as a URI to be read (`mcp://twins/changes/{cursor}`): what was missed is there. */
  readonly changes?: string;
}

export interface SubscribedFrame {
  readonly type: 'subscribed';
  readonly id: string;
  readonly streams: readonly StreamStart[];
}

export interface UnsubscribedFrame {
  readonly type: 'unsubscribed';
  readonly id: string;
  /** `revoked`: nothing of it may be read any longer. */
  readonly reason: 'asked' | 'revoked';
}

/** While connected, something of a stream was lost: go on from here, and read again. */
export interface GapFrame extends StreamStart {
  readonly type: 'gap';
  readonly id: string;
  readonly recovered: false;
}

export interface TokenExpiringFrame {
  readonly type: 'token_expiring';
  /** ISO 8601: the connection is closed then, unless a `refresh` comes before. */
  readonly at: string;
}

export interface RefreshedFrame {
  readonly type: 'refreshed';
  /** ISO 8601 */
  readonly tokenExpiresAt: string;
}

export interface PongFrame {
  readonly type: 'pong';
  readonly id?: string;
}

/** Who is there: all of them after subscribing, and each who comes or goes. */
export interface PresenceFrame {
  readonly type: 'presence';
  readonly subscription: string;
  readonly stream: string;
  readonly event: 'state' | 'member_added' | 'member_removed';
  readonly users: readonly { readonly id: string; readonly info?: unknown }[];
}

/** The server ends soon: the connection is closed within `withinMs`; another one answers then. */
export interface DrainingFrame {
  readonly type: 'draining';
  readonly withinMs: number;
}

export interface ErrorFrame {
  readonly type: 'error';
  /** Of the closed list of faults (`errors.ts`). */
  readonly code: string;
  readonly message: string;
  /** Of the message that was refused, where it had one. */
  readonly id?: string;
}

export type ServerMessage =
  | EventFrame
  | WelcomeFrame
  | SubscribedFrame
  | UnsubscribedFrame
  | GapFrame
  | TokenExpiringFrame
  | RefreshedFrame
  | PongFrame
  | PresenceFrame
  | DrainingFrame
  | ErrorFrame;

/** Close codes of this protocol; others are those of RFC 6455 §7.4.1. */
export const WS_CLOSE = {
  /** The server ends or has too much to do: come again, spread over time. */
  comeAgain: 1012,
  /** No token, none that is good, or it has ended: another token first. */
  unauthorized: 4401,
  /** No first message within 5 s, or nothing at all for two heartbeats. */
  silent: 4408,
  /** A message that is none of this protocol, or too large. */
  malformed: 4400,
  /** The client reads too slowly: come again, with `since`. */
  slow: 4413,
  /** Too many connections or messages of this caller. */
  tooMany: 4429,
} as const;

/** An event, as against a message of the protocol itself. */
export function isEventFrame(message: ServerMessage): message is EventFrame {
  return message.type.includes('.');
}
