import { isObject } from '../../../kernel/json.ts';
import type { Principal } from '../../../twin/ports.ts';
import type { PusherApp } from './apps.ts';
import type { OwnResume } from './catching-up.ts';
import { type ChannelKind, memberOf, userChannel } from './channels.ts';
import type { PresenceUser } from './frames.ts';
import type { Grant, Grants } from './grants.ts';
import { presenceUserOf, signedInUserOf } from './identity.ts';
import { verifyChannel } from './signatures.ts';

export interface Asked {
  readonly channel: string;
  readonly kind: ChannelKind;
  readonly auth: string;
  readonly channelData?: string;
}

export interface AskedOf {
  readonly app: PusherApp;
  readonly socketId: string;
  /** As who it has signed in. */
  readonly user: PresenceUser | undefined;
  readonly nowMs: number;
  /** Whether a token was revoked, or a client suspended, since then. */
  readonly hasEnded: (principal: Principal, sinceMs: number) => boolean;
}

export interface Authorized {
  readonly user?: PresenceUser;
  readonly grant?: Grant;
  readonly resume?: OwnResume;
}

/** What a client may subscribe to, and as whom (realtime.md §2.3–2.5); `undefined`: it may not. */
export function authorize(grants: Grants, of: AskedOf, asked: Asked): Authorized | undefined {
  const { access } = asked.kind;
  if (access === 'public') return {};
  if (access === 'user') {
    const isOwn = of.user !== undefined && asked.channel === userChannel(of.user.id);
    return isOwn ? {} : undefined;
  }
  const proof = { ...asked, socketId: of.socketId };
  const verified = verifyChannel(of.app, proof);
  if (verified === 'no') return undefined;
  // What the signature does not cover says nothing.
  const data = verified === 'with-data' ? asked.channelData : undefined;
  const user = access === 'presence' ? userOf(data, of) : undefined;
  if (access === 'presence' && user === undefined) return undefined;
  const who = user === undefined ? {} : { user };
  if (memberOf(asked.channel) === undefined) return { ...who, ...ownResumeOf(data) };
  const grant = grantOf(grants, of, asked.channel, data);
  return grant && { ...who, grant };
}

/** For which a sign-in's grant is sealed, instead of a channel. */
export const SIGN_IN = '#sign-in';

/**
 * A sign-in whose signature holds. Of our endpoint it has a grant besides, so that it ends with the
 * token that it was made by; of an app's own servers it has none.
 */
export function authorizeUser(
  grants: Grants,
  of: AskedOf,
  userData: string,
): { readonly user: PresenceUser; readonly grant?: Grant } | undefined {
  const user = signedInUserOf(userData);
  if (user === undefined || objectOf(userData).grant === undefined) return user && { user };
  const grant = grantOf(grants, of, SIGN_IN, userData);
  return grant && { user, grant };
}

/** Without data the one who has signed in is who is there. */
function userOf(data: string | undefined, { user }: AskedOf): PresenceUser | undefined {
  return data === undefined ? user : presenceUserOf(data);
}

/** An SDK uses what it was given at once. */
const GRANT_MS = 60_000;

/** A member's channel is granted by our endpoint alone, in the tenant of the app. */
function grantOf(
  grants: Grants,
  { app, socketId, nowMs, hasEnded }: AskedOf,
  channel: string,
  data: string | undefined,
): Grant | undefined {
  const { grant: text } = objectOf(data);
  if (typeof text !== 'string') return undefined;
  const grant = grants.open({ appKey: app.key, socketId, channel }, text);
  if (grant === undefined || grant.principal.tenant !== app.tenant) return undefined;
  const { principal, issuedAtMs } = grant;
  if (principal.expiresAtMs <= nowMs || nowMs - issuedAtMs > GRANT_MS) return undefined;
  return hasEnded(principal, issuedAtMs) ? undefined : grant;
}

/** What an app's own server may sign for its own channels: a session, and where it stands. */
function ownResumeOf(data: string | undefined): { resume?: OwnResume } {
  const { session, since } = objectOf(data);
  const place = placeOf(since);
  if (typeof session !== 'string' && place === undefined) return {};
  return {
    resume: {
      ...(typeof session === 'string' && { session }),
      ...(place !== undefined && { since: place }),
    },
  };
}

/** A place as a client says it: `undefined` for whatever is none. */
export function placeOf(value: unknown): { epoch: string; offset: number } | undefined {
  if (!isObject(value)) return undefined;
  const { epoch, offset } = value;
  if (typeof epoch !== 'string' || epoch.length === 0 || epoch.length > 64) return undefined;
  return Number.isSafeInteger(offset) && Number(offset) >= 0
    ? { epoch, offset: Number(offset) }
    : undefined;
}

function objectOf(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
