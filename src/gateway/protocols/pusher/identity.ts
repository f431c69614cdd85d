import { isObject } from '../../../kernel/json.ts';
import { isUserId } from './channels.ts';
import type { PresenceUser } from './frames.ts';
import { PUSHER_LIMITS } from './limits.ts';

/** What a customer's server signed of whom a connection is: `user_id` may be text or a number. */
export function presenceUserOf(channelData: string): PresenceUser | undefined {
  const data = objectOf(channelData);
  return data && userOf(data.user_id, data.user_info);
}

/** The same for a sign-in, where it is called `id`. */
export function signedInUserOf(userData: string): PresenceUser | undefined {
  const data = objectOf(userData);
  return data && userOf(data.id, data.user_info);
}

function userOf(given: unknown, info: unknown): PresenceUser | undefined {
  const id = typeof given === 'number' && Number.isFinite(given) ? String(given) : given;
  if (typeof id !== 'string' || !isUserId(id)) return undefined;
  if (info === undefined) return { id };
  const bytes = Buffer.byteLength(JSON.stringify(info));
  return bytes > PUSHER_LIMITS.userInfoBytesMax ? undefined : { id, info };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
