import type { StreamPlace } from '../../../contract/frames.ts';
import { Fault } from '../../../kernel/errors.ts';
import type { Caller } from '../../../twin/reader/index.ts';
import type { Rights } from '../../ports.ts';
import type { PusherApp } from './apps.ts';
import { placeOf, SIGN_IN } from './authorize.ts';
import { channelKind, isSocketId, memberOf } from './channels.ts';
import type { PusherParts } from './parts.ts';
import { signChannel, signUser } from './signatures.ts';
import { documentsOf } from './streams.ts';

/** What an SDK sends to its authorization endpoint; each as text, once. */
export type AuthForm = ReadonlyMap<string, string>;

export interface AuthDesk {
  /** `undefined`: this caller may not subscribe to it, whether or not there is such a member. */
  authorize(
    caller: Caller,
    form: AuthForm,
  ): Promise<{ auth: string; channel_data: string } | undefined>;
  /** @throws Fault INVALID_ARGUMENT */
  signIn(caller: Caller, form: AuthForm): { auth: string; user_data: string };
}

type Parts = Pick<PusherParts, 'apps' | 'grants' | 'clock'> & {
  readonly rights: Pick<Rights, 'readable' | 'asked'>;
};

/** The authorization endpoints for stock SDKs (realtime.md §2.5, §5.3 C). */
export function createAuthDesk(parts: Parts): AuthDesk {
  return {
    async authorize({ principal }, form) {
      const app = appOf(parts, principal.tenant, form);
      const socketId = socketOf(form);
      const channel = form.get('channel_name') ?? '';
      if (channelKind(channel) === undefined) throw wrong('channel_name');
      const since = sinceOf(form);
      const session = deviceOf(form) ?? `token ${principal.tokenId}`;
      const member = memberOf(channel);
      // Other channels are an app's own: its servers say who may subscribe to them.
      if (app === undefined || member === undefined) return undefined;
      const uris = documentsOf(member);
      const readable = await parts.rights.readable(principal, uris);
      if (!readable.some((may) => may)) {
        const refused = uris.map((uri) => ({ uri, granted: false }));
        await parts.rights.asked(principal, refused);
        return undefined;
      }
      const bound = { appKey: app.key, socketId, channel };
      const issuedAtMs = parts.clock.now();
      const granted = { principal, session, issuedAtMs, ...(since && { since }) };
      const grant = parts.grants.seal(bound, granted);
      const data = JSON.stringify({ user_id: principal.subject, user_info: {}, grant });
      return { auth: signChannel(app, socketId, channel, data), channel_data: data };
    },
    signIn({ principal }, form) {
      const app = appOf(parts, principal.tenant, form);
      const socketId = socketOf(form);
      if (app === undefined) throw new Fault('NOT_FOUND');
      const bound = { appKey: app.key, socketId, channel: SIGN_IN };
      const issuedAtMs = parts.clock.now();
      const grant = parts.grants.seal(bound, { principal, session: '', issuedAtMs });
      const data = JSON.stringify({ id: principal.subject, user_info: {}, grant });
      return { auth: signUser(app, socketId, data), user_data: data };
    },
  };
}

/** That of the tenant; with several, the one whose key the client names. */
function appOf({ apps }: Parts, tenant: string, form: AuthForm): PusherApp | undefined {
  return apps.ofTenant(tenant, form.get('app_key'));
}

function socketOf(form: AuthForm): string {
  const socketId = form.get('socket_id') ?? '';
  if (!isSocketId(socketId)) throw wrong('socket_id');
  return socketId;
}

/** The same device by whatever token; without it, the token is what is known of it. */
function deviceOf(form: AuthForm): string | undefined {
  const device = form.get('device');
  if (device === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,128}$/.test(device)) throw wrong('device');
  return `device ${device}`;
}

function sinceOf(form: AuthForm): StreamPlace | undefined {
  const [epoch, offset] = [form.get('epoch'), form.get('last_offset')];
  if (epoch === undefined && offset === undefined) return undefined;
  const place = placeOf({ epoch, offset: /^\d{1,16}$/.test(offset ?? '') ? Number(offset) : -1 });
  if (place === undefined) throw wrong('epoch and last_offset');
  return place;
}

function wrong(name: string): Fault {
  return new Fault('INVALID_ARGUMENT', { detail: `${name} is missing or wrong.` });
}
