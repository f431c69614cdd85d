import type { PresentUser } from '../../../ports.ts';
import type { PusherApp } from '../apps.ts';
import { cachedOf } from '../cached.ts';
import { channelKind } from '../channels.ts';
import type { PusherParts } from '../parts.ts';
import { occupiedChannel } from '../rooms.ts';
import { streamOf } from '../streams.ts';
import type { Info } from './given.ts';
import { Refusal } from './refusal.ts';

type Parts = Pick<PusherParts, 'presence' | 'registry' | 'log' | 'clock'>;

/** What there is to say of one channel; only what was asked for. */
export interface ChannelInfo {
  readonly user_count?: number;
  readonly subscription_count?: number;
  readonly cache?: { readonly data: string; readonly ttl: number } | null;
}

/** `GET /apps/{id}/channels`: those that somebody subscribes to, on any instance. */
export async function channelsOf(
  parts: Parts,
  app: PusherApp,
  prefix: string,
  infos: readonly Info[],
): Promise<Record<string, ChannelInfo>> {
  if (infos.includes('user_count') && !prefix.startsWith('presence-')) {
    throw new Refusal(400, 'user_count is of presence channels: filter by their prefix');
  }
  if (infos.some((info) => info !== 'user_count')) {
    throw new Refusal(400, 'Only user_count is told of several channels');
  }
  const occupied = await parts.presence.users(occupiedChannel(app));
  const names = occupied.map(({ id }) => id).filter((name) => isListed(name, prefix));
  const told = await Promise.all(
    names.map(async (name) => [name, await infoOf(parts, app, name, infos)] as const),
  );
  return Object.fromEntries(told);
}

/** Channels of single users are nobody's to list. */
function isListed(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && !name.startsWith('#');
}

/** `GET /apps/{id}/channels/{name}` */
export async function channelOf(
  parts: Parts,
  app: PusherApp,
  name: string,
  infos: readonly Info[],
): Promise<ChannelInfo & { readonly occupied: boolean }> {
  const { length } = await parts.registry.connections(`channel:${app.id}:${name}`);
  return { occupied: length > 0, ...(await infoOf(parts, app, name, infos)) };
}

/** @throws Refusal where the channel has no such thing */
export async function infoOf(
  parts: Parts,
  app: PusherApp,
  name: string,
  infos: readonly Info[],
): Promise<ChannelInfo> {
  const kind = channelKind(name);
  if (infos.includes('user_count') && kind?.access !== 'presence') {
    throw new Refusal(400, 'user_count is of presence channels');
  }
  if (infos.includes('cache') && kind?.cache !== true) {
    throw new Refusal(400, 'cache is of cache channels');
  }
  const { presence, registry, log, clock } = parts;
  const key = `${app.id}:${name}`;
  const now = clock.now();
  const [users, connections, cached] = await Promise.all([
    infos.includes('user_count') ? presence.users(key) : undefined,
    infos.includes('subscription_count') ? registry.connections(`channel:${key}`) : undefined,
    infos.includes('cache') ? cachedOf(log, streamOf(app, name), now) : undefined,
  ]);
  return {
    ...(users && { user_count: users.length }),
    ...(connections && { subscription_count: connections.length }),
    ...(cached && {
      cache:
        cached.event === undefined
          ? null
          : { data: cached.event.data, ttl: Math.floor((cached.untilMs - now) / 1_000) },
    }),
  };
}

/** `GET /apps/{id}/channels/{name}/users` */
export async function usersOf(
  { presence }: Pick<Parts, 'presence'>,
  app: PusherApp,
  name: string,
): Promise<{ id: string }[]> {
  if (channelKind(name)?.access !== 'presence') {
    throw new Refusal(400, 'Only presence channels have users');
  }
  const users: readonly PresentUser[] = await presence.users(`${app.id}:${name}`);
  return users.map(({ id }) => ({ id }));
}
