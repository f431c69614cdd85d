import { PUSHER_LIMITS } from './limits.ts';

/** What a channel's name says of it (realtime.md §2.2–2.4). */
export interface ChannelKind {
  readonly access: 'public' | 'private' | 'presence' | 'user';
  /** The last event is kept for whoever comes next. */
  readonly cache: boolean;
  /** Only its clients can read the payload: it passes through. */
  readonly encrypted: boolean;
}

const NAME = /^[A-Za-z0-9_\-=@,.;]+$/;
const USER_PREFIX = '#server-to-user-';

/** @returns `undefined` for what is no channel name */
export function channelKind(name: string): ChannelKind | undefined {
  if (name.length === 0 || name.length > PUSHER_LIMITS.channelCharsMax) return undefined;
  if (name.startsWith(USER_PREFIX)) {
    return isUserId(name.slice(USER_PREFIX.length)) ? USER : undefined;
  }
  if (!NAME.test(name)) return undefined;
  const [, kind] = PREFIXES.find(([prefix]) => name.startsWith(prefix)) ?? [];
  return kind ?? PUBLIC;
}

const PUBLIC: ChannelKind = { access: 'public', cache: false, encrypted: false };
const USER: ChannelKind = { access: 'user', cache: false, encrypted: false };

/** The longer first: `private-cache-a` is a cache channel, and `private-cachea` is none. */
const PREFIXES: readonly (readonly [string, ChannelKind])[] = [
  ['private-encrypted-cache-', { access: 'private', cache: true, encrypted: true }],
  ['private-encrypted-', { access: 'private', cache: false, encrypted: true }],
  ['private-cache-', { access: 'private', cache: true, encrypted: false }],
  ['presence-cache-', { access: 'presence', cache: true, encrypted: false }],
  ['cache-', { access: 'public', cache: true, encrypted: false }],
  ['private-', { access: 'private', cache: false, encrypted: false }],
  ['presence-', { access: 'presence', cache: false, encrypted: false }],
];

/** The channel by which a signed-in user is reached on all connections. */
export function userChannel(userId: string): string {
  return USER_PREFIX + userId;
}

/** Text of at most 128 characters without control characters. */
export function isUserId(id: string): boolean {
  return id.length > 0 && id.length <= PUSHER_LIMITS.userIdCharsMax && !CONTROL.test(id);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Channels of a member: who may subscribe is who may see a part of that member's twin. */
const MEMBER = /^(private|presence)-member-([A-Za-z0-9][A-Za-z0-9-]{0,63})$/;

/** The member of a channel of ours, `undefined` for any other channel. */
export function memberOf(channel: string): string | undefined {
  return MEMBER.exec(channel)?.[2];
}

export function memberChannels(member: string): readonly [string, string] {
  return [`private-member-${member}`, `presence-member-${member}`];
}

/** Given to each connection; `pusher` (npm) takes no other form. */
const SOCKET_ID = /^\d{1,20}\.\d{1,20}$/;

export function isSocketId(text: string): boolean {
  return SOCKET_ID.test(text);
}
