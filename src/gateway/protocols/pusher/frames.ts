import { isDeeperThan, isObject } from '../../../kernel/json.ts';
import { PUSHER_LIMITS } from './limits.ts';

/** What a client said, understood; everything it may say is one of these. */
export type ClientFrame =
  | ({ readonly kind: 'subscribe'; readonly channel: string } & Authorized)
  | { readonly kind: 'unsubscribe'; readonly channel: string }
  | { readonly kind: 'signin'; readonly auth: string; readonly userData: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | {
      readonly kind: 'client-event';
      readonly event: string;
      readonly channel: string;
      /** As the others receive it: text as it came, anything else as JSON. */
      readonly data: string;
    }
  | { readonly kind: 'wrong'; readonly why: string };

interface Authorized {
  /** `KEY:signature`; empty for a public channel. */
  readonly auth: string;
  /** Byte for byte as it was signed. */
  readonly channelData?: string;
}

const wrong = (why: string): ClientFrame => ({ kind: 'wrong', why });

/** Never throws, whatever was sent; unknown members are ignored, as Pusher does. */
export function decodeFrame(text: string): ClientFrame {
  const frame = jsonOf(text);
  if (!isObject(frame) || typeof frame.event !== 'string') return wrong('Invalid message');
  if (isDeeperThan(frame, PUSHER_LIMITS.frameDepthMax)) return wrong('Invalid message');
  const { event } = frame;
  if (event.startsWith('client-')) return clientEvent(event, frame);
  const data = typeof frame.data === 'string' ? jsonOf(frame.data) : frame.data;
  if (event === 'pusher:ping' || event === 'pusher:pong') {
    return { kind: event === 'pusher:ping' ? 'ping' : 'pong' };
  }
  if (!isObject(data)) return wrong('Invalid message');
  if (event === 'pusher:subscribe') return subscribe(data);
  if (event === 'pusher:unsubscribe') return unsubscribe(data);
  if (event === 'pusher:signin') return signin(data);
  return wrong('Unknown event');
}

function subscribe({ channel, auth = '', channel_data: data }: Data): ClientFrame {
  if (typeof channel !== 'string') return wrong('A channel is missing');
  if (typeof auth !== 'string') return wrong('auth is not text');
  if (data === undefined || data === null) return { kind: 'subscribe', channel, auth };
  if (typeof data !== 'string') return wrong('channel_data is not text');
  return { kind: 'subscribe', channel, auth, channelData: data };
}

function unsubscribe({ channel }: Data): ClientFrame {
  return typeof channel === 'string'
    ? { kind: 'unsubscribe', channel }
    : wrong('A channel is missing');
}

function signin({ auth, user_data: userData }: Data): ClientFrame {
  if (typeof auth !== 'string' || typeof userData !== 'string') return wrong('Invalid sign-in');
  return { kind: 'signin', auth, userData };
}

function clientEvent(event: string, { channel, data }: Data): ClientFrame {
  if (typeof channel !== 'string') return wrong('A channel is missing');
  const text = typeof data === 'string' ? data : (JSON.stringify(data) ?? '{}');
  return { kind: 'client-event', event, channel, data: text };
}

type Data = Readonly<Record<string, unknown>>;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An event as clients receive it: `data` is text always (realtime.md §2.2). */
export interface ServerEvent {
  readonly event: string;
  readonly channel?: string;
  readonly data: string;
  /** Who sent a client event on a presence channel. */
  readonly userId?: string;
  /** Where it stands in our log, beside Pusher's members: SDKs hand it on or drop it. */
  readonly place?: { readonly epoch: string; readonly offset: number };
}

export function encodeEvent({ event, channel, data, userId, place }: ServerEvent): string {
  return JSON.stringify({ event, channel, data, user_id: userId, ...place });
}

const EMPTY = '{}';

/** What the server says of itself, each with the bytes that the shipped SDKs need. */
export const said = {
  established: (socketId: string, activityTimeoutSeconds: number): string =>
    encodeEvent({
      event: 'pusher:connection_established',
      data: JSON.stringify({ socket_id: socketId, activity_timeout: activityTimeoutSeconds }),
    }),
  /** `data` of errors is an object. */
  error: (code: number | null, message: string, channel?: string): string =>
    JSON.stringify({ event: 'pusher:error', channel, data: { code, message } }),
  ping: (): string => encodeEvent({ event: 'pusher:ping', data: EMPTY }),
  pong: (): string => encodeEvent({ event: 'pusher:pong', data: EMPTY }),
  subscribed: (channel: string, presence?: PresenceState): string =>
    encodeEvent({
      event: 'pusher_internal:subscription_succeeded',
      channel,
      data: presence === undefined ? EMPTY : JSON.stringify({ presence: presenceOf(presence) }),
    }),
  subscriptionError: (channel: string): string =>
    encodeEvent({
      event: 'pusher:subscription_error',
      channel,
      data: JSON.stringify({
        type: 'AuthError',
        error: 'The subscription is not authorized.',
        status: 401,
      }),
    }),
  signedIn: (userData: string): string =>
    encodeEvent({ event: 'pusher:signin_success', data: JSON.stringify({ user_data: userData }) }),
  memberAdded: (channel: string, { id, info }: PresenceUser): string =>
    encodeEvent({
      event: 'pusher_internal:member_added',
      channel,
      data: JSON.stringify({ user_id: id, user_info: info }),
    }),
  memberRemoved: (channel: string, id: string): string =>
    encodeEvent({
      event: 'pusher_internal:member_removed',
      channel,
      data: JSON.stringify({ user_id: id }),
    }),
  subscriptionCount: (channel: string, count: number): string =>
    encodeEvent({
      event: 'pusher_internal:subscription_count',
      channel,
      data: JSON.stringify({ subscription_count: count }),
    }),
  cacheMiss: (channel: string): string =>
    encodeEvent({ event: 'pusher:cache_miss', channel, data: EMPTY }),
} as const;

export interface PresenceUser {
  readonly id: string;
  /** `user_info` as its server signed it. */
  readonly info?: unknown;
}

type PresenceState = readonly PresenceUser[];

/** `fromEntries`, so that a user called `__proto__` is one like any other. */
function presenceOf(users: PresenceState) {
  return {
    ids: users.map(({ id }) => id),
    hash: Object.fromEntries(users.map(({ id, info }) => [id, info ?? null])),
    count: users.length,
  };
}
