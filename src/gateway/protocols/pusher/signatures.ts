import { createHmac, timingSafeEqual } from 'node:crypto';

/** The two halves by which a customer's server signs: the key is public, the secret is not. */
export interface AppKeys {
  readonly key: string;
  readonly secret: string;
}

/** HMAC-SHA256 in lower-case hex, as every Pusher signature is. */
export function hmacHex(secret: string, text: string | Uint8Array): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}

/** Equal in constant time; what differs in length is compared with itself first. */
export function sameText(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  const comparable = a.length === b.length ? b : a;
  return timingSafeEqual(a, comparable) && a.length === b.length;
}

/** `KEY:signature` of a subscription; `channelData` as it will be received, byte for byte. */
export function signChannel(
  app: AppKeys,
  socketId: string,
  channel: string,
  channelData?: string,
): string {
  const tail = channelData === undefined ? '' : `:${channelData}`;
  return `${app.key}:${hmacHex(app.secret, `${socketId}:${channel}${tail}`)}`;
}

/** `KEY:signature` of a sign-in. */
export function signUser(app: AppKeys, socketId: string, userData: string): string {
  return `${app.key}:${hmacHex(app.secret, `${socketId}::user::${userData}`)}`;
}

export interface ChannelProof {
  readonly socketId: string;
  readonly channel: string;
  readonly auth: string;
  readonly channelData?: string;
}

/**
 * Whether a subscription was signed, and whether its `channel_data` was: a signature without it says
 * nothing of it, so it is then to be discarded (realtime.md §2.5).
 */
export function verifyChannel(
  app: AppKeys,
  { socketId, channel, auth, channelData }: ChannelProof,
): 'with-data' | 'without-data' | 'no' {
  const plain = sameText(signChannel(app, socketId, channel), auth);
  if (channelData === undefined) return plain ? 'without-data' : 'no';
  if (sameText(signChannel(app, socketId, channel, channelData), auth)) return 'with-data';
  return plain ? 'without-data' : 'no';
}

export function verifyUser(
  app: AppKeys,
  proof: { readonly socketId: string; readonly auth: string; readonly userData: string },
): boolean {
  return sameText(signUser(app, proof.socketId, proof.userData), proof.auth);
}
