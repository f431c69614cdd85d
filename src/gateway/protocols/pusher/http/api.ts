import { asFault } from '../../../../kernel/errors.ts';
import { appEvent } from '../app-event.ts';
import type { PusherApp } from '../apps.ts';
import { channelKind, isUserId, memberOf } from '../channels.ts';
import { CALL_NAMES } from '../events.ts';
import { refusedBecause, type SignedRequest } from '../http-signature.ts';
import type { PusherParts } from '../parts.ts';
import { callIdIn } from '../replay.ts';
import { controlStreamOf, streamOf } from '../streams.ts';
import { type ChannelInfo, channelOf, channelsOf, infoOf, usersOf } from './channels.ts';
import { batchOf, infosOf, jsonBody, type Published, publishedOf } from './given.ts';
import { Refusal } from './refusal.ts';

/** An event of a video visit that a backend said over Pusher's HTTP API. */
export interface SaidOfCall {
  /** Word of the event, such as `call.join`. */
  readonly type: string;
  readonly member: string;
  /** Empty where its data names none. */
  readonly callId: string;
  /** As the apps get it, byte for byte. */
  readonly data: string;
}

type Core = Pick<PusherParts, 'apps' | 'hub' | 'log' | 'presence' | 'registry' | 'clock'>;

export interface ApiParts extends Core {
  /** Whether the app may ask once more now. */
  readonly rate: (app: PusherApp) => boolean | Promise<boolean>;
  /** To the log of events. @throws Fault NOT_FOUND where the member is not of the app's tenant */
  readonly sayOfCall: (app: PusherApp, said: SaidOfCall) => Promise<void>;
}

type Parts = ApiParts;

export interface ApiAnswer {
  readonly status: number;
  readonly body: object;
}

/** The HTTP API that an app's servers call, as Pusher's libraries sign it (realtime.md §2.8). */
export interface PusherApi {
  /** @throws Fault where we cannot: LOG_UNAVAILABLE and the like */
  handle(request: SignedRequest): Promise<ApiAnswer>;
}

export function createApi(parts: Parts): PusherApi {
  return {
    async handle(request) {
      try {
        return { status: 200, body: await answer(parts, request) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw asFault(error);
        return { status: error.status, body: { error: error.message } };
      }
    },
  };
}

const PATH = /^\/apps\/([A-Za-z0-9_-]{1,64})\/(.{1,512})$/;

async function answer(parts: Parts, request: SignedRequest): Promise<object> {
  const [, id = '', rest = ''] = PATH.exec(request.path) ?? [];
  const app = parts.apps.byId(id);
  // Without an app a signature is compared all the same: that there is one is nobody's to find out.
  const refused = refusedBecause(app ?? NOBODY, request, parts.clock.now());
  if (app === undefined || refused !== undefined) {
    throw new Refusal(401, refused ?? 'the signature does not hold');
  }
  if ([...request.query.keys()].some((name) => !PARAMETERS.has(name.toLowerCase()))) {
    throw new Refusal(400, 'A parameter is unknown');
  }
  if (!(await parts.rate(app))) throw new Refusal(429, 'Too many requests; wait a second');
  const route = ROUTES.find(({ method, path }) => method === request.method && path.test(rest));
  const [, named = ''] = route?.path.exec(rest) ?? [];
  if (route === undefined) throw new Refusal(404, 'There is nothing at this path');
  return await route.handle(parts, app, request, decoded(named));
}

const PARAMETERS = new Set([
  ...['auth_key', 'auth_timestamp', 'auth_version', 'auth_signature', 'body_md5'],
  ...['filter_by_prefix', 'info'],
]);

const NOBODY = { key: '', secret: '' };

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(400, 'The path is escaped wrongly');
  }
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  /** @param named what the path names: a channel, a user */
  handle(parts: Parts, app: PusherApp, request: SignedRequest, named: string): Promise<object>;
}

const ROUTES: readonly Route[] = [
  { method: 'POST', path: /^events$/, handle: publish },
  { method: 'POST', path: /^batch_events$/, handle: publishBatch },
  { method: 'GET', path: /^channels$/, handle: listChannels },
  { method: 'GET', path: /^channels\/([^/]+)$/, handle: oneChannel },
  { method: 'GET', path: /^channels\/([^/]+)\/users$/, handle: listUsers },
  { method: 'POST', path: /^users\/([^/]+)\/terminate_connections$/, handle: terminate },
];

async function publish(parts: Parts, app: PusherApp, { body }: SignedRequest): Promise<object> {
  const event = publishedOf(jsonBody(body));
  const told = await said(parts, app, event);
  return event.info.length === 0 ? {} : { channels: told };
}

async function publishBatch(
  parts: Parts,
  app: PusherApp,
  { body }: SignedRequest,
): Promise<object> {
  const batch = batchOf(jsonBody(body));
  const several = batch.find(({ channels }) => channels.length > 1);
  if (several !== undefined) throw new Refusal(400, 'An event of a batch has one channel');
  const told: ChannelInfo[] = [];
  // One after the other: what a server says in order is heard in order.
  for (const event of batch) told.push(...Object.values(await said(parts, app, event)));
  return batch.some(({ info }) => info.length > 0) ? { batch: told } : {};
}

/** To the log and nothing else: whoever subscribes, anywhere, hears of it from there. */
async function said(
  parts: Parts,
  app: PusherApp,
  { name, data, channels, socketId, info }: Published,
): Promise<Record<string, ChannelInfo>> {
  const nowMs = parts.clock.now();
  const told = await Promise.all(
    channels.map(async (channel) => {
      // What cannot be told of it is refused before anything is said.
      const about = await infoOf(parts, app, channel, info);
      return [channel, about] as const;
    }),
  );
  const calls = socketId === undefined ? callsOf(name, data, channels) : [];
  const members = new Set(calls.map(({ member }) => member));
  const others = channels.filter((channel) => !members.has(memberOf(channel) ?? ''));
  for (const call of calls) await sayOfCall(parts, app, call);
  await Promise.all(
    others.map((channel) => {
      const event = appEvent(app, { channel, name, data, nowMs, socketId });
      return parts.hub.publish(streamOf(app, channel), event, [event.id]);
    }),
  );
  return Object.fromEntries(told);
}

/**
 * The five events of a visit on a member's channels are events of the log like those that come by
 * Kafka: once a member, told on both channels, to apps of the other protocol as well, and kept as
 * what was said last of the call.
 */
function callsOf(name: string, data: string, channels: readonly string[]): SaidOfCall[] {
  const [type] = Object.entries(CALL_NAMES).find(([, called]) => called === name) ?? [];
  if (type === undefined) return [];
  const members = new Set(channels.flatMap((channel) => memberOf(channel) ?? []));
  return [...members].map((member) => ({ type, member, callId: callIdIn(data) ?? '', data }));
}

async function sayOfCall(parts: Parts, app: PusherApp, call: SaidOfCall): Promise<void> {
  try {
    await parts.sayOfCall(app, call);
  } catch (error) {
    if (asFault(error).code !== 'NOT_FOUND') throw error;
    throw new Refusal(400, 'The channel is of no member of yours');
  }
}

async function listChannels(
  parts: Parts,
  app: PusherApp,
  { query }: SignedRequest,
): Promise<object> {
  const prefix = query.get('filter_by_prefix') ?? '';
  return { channels: await channelsOf(parts, app, prefix, infosOf(query.get('info'))) };
}

function oneChannel(
  parts: Parts,
  app: PusherApp,
  { query }: SignedRequest,
  channel: string,
): Promise<object> {
  return channelOf(parts, app, channelNamed(channel), infosOf(query.get('info')));
}

async function listUsers(
  parts: Parts,
  app: PusherApp,
  _request: SignedRequest,
  channel: string,
): Promise<object> {
  return { users: await usersOf(parts, app, channelNamed(channel)) };
}

/** Signed-in connections of the user, wherever they are. */
async function terminate(
  { hub, clock }: Parts,
  app: PusherApp,
  _request: SignedRequest,
  user: string,
): Promise<object> {
  if (!isUserId(user)) throw new Refusal(400, 'The user id is none');
  const said = { channel: '', name: 'terminate', data: user, nowMs: clock.now() };
  const event = appEvent(app, said);
  await hub.publish(controlStreamOf(app), event, [event.id]);
  return {};
}

function channelNamed(name: string): string {
  if (channelKind(name) !== undefined) return name;
  throw new Refusal(400, 'The channel name is none');
}
