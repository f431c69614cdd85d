import { PROTOCOL_VERSION, WS_PATH, WS_TOPICS } from '../../contract/frames.ts';
import {
  type RealtimeInfo,
  type RealtimePath,
  ROLLOUT_FLAGS,
  type RolloutFlag,
} from '../../contract/rollout.ts';
import { isId, SECTIONS } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Caller, Reader } from '../../twin/reader/index.ts';
import { isMoved } from './sticky.ts';

/** Where the SDKs of Pusher connect. */
export interface PusherPlace {
  readonly appKey: string;
  readonly host: string;
  readonly port: number;
}

export interface InfoParts {
  readonly reader: Pick<Reader, 'readable'>;
  /** Percent of members that a flag has moved. */
  readonly rollout: (flag: RolloutFlag) => number;
  /** Of the tenant's app on this gateway; `undefined`: it has none. */
  readonly appKeyOf: (tenant: string) => string | undefined;
  /** Pusher's own, while members move; `undefined`: there is none any more. */
  readonly former: PusherPlace | undefined;
  /** Origin of this server, as clients reach it. */
  readonly publicUrl: () => string;
  readonly seen: (member: string, path: RealtimePath) => void;
}

/**
 * What an app needs to connect, and which way it is to go. Whoever may read no section of the
 * member hears what they hear of one that does not exist.
 * @throws Fault INVALID_ARGUMENT, NOT_FOUND
 */
export async function realtimeInfo(
  parts: InfoParts,
  { principal }: Caller,
  member: string,
): Promise<RealtimeInfo> {
  if (!isId(member)) throw new Fault('INVALID_ARGUMENT', { detail: 'member is no id.' });
  const uris = SECTIONS.map((section) => `mcp://twins/member/${member}/${section}`);
  const readable = await parts.reader.readable(principal, uris);
  if (!readable.includes(true)) throw new Fault('NOT_FOUND');
  const use = pathOf(parts, ROLLOUT_FLAGS.events, member);
  const useForVideoVisits = pathOf(parts, ROLLOUT_FLAGS.videoVisits, member);
  const isMovedWhole = use === 'websocket' && useForVideoVisits === 'websocket';
  parts.seen(member, isMovedWhole ? 'websocket' : 'pusher');
  return infoOf(parts, principal.tenant, member, { use, useForVideoVisits });
}

function infoOf(
  { publicUrl, former, appKeyOf }: InfoParts,
  tenant: string,
  member: string,
  uses: Pick<RealtimeInfo, 'use' | 'useForVideoVisits'>,
): RealtimeInfo {
  const own = new URL(publicUrl());
  const authURL = new URL('/v1/realtime/auth', own).href;
  const socket = new URL(WS_PATH, own);
  socket.protocol = own.protocol.replace('http', 'ws');
  const here = {
    host: own.hostname,
    port: Number(own.port || (own.protocol === 'https:' ? 443 : 80)),
  };
  const isMovedWhole = Object.values(uses).every((use) => use === 'websocket');
  const place =
    former !== undefined && !isMovedWhole
      ? former
      : { appKey: appKeyOf(tenant) ?? former?.appKey ?? '', ...here };
  return {
    pusher: { ...place, presenceChannelName: `presence-member-${member}`, authURL },
    websocket: {
      ...{ url: socket.href, topics: [...WS_TOPICS], authURL, protocolVersion: PROTOCOL_VERSION },
    },
    ...uses,
  };
}

function pathOf({ rollout }: InfoParts, flag: RolloutFlag, member: string): RealtimePath {
  return isMoved(flag, member, rollout(flag)) ? 'websocket' : 'pusher';
}
