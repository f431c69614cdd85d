import { isDeeperThan, isObject } from '../../../../kernel/json.ts';
import { channelKind, isSocketId } from '../channels.ts';
import { PUSHER_LIMITS } from '../limits.ts';
import { Refusal } from './refusal.ts';

/** One event to one or more channels. */
export interface Published {
  readonly name: string;
  readonly data: string;
  readonly channels: readonly string[];
  /** Of the connection that is left out. */
  readonly socketId?: string;
  readonly info: readonly Info[];
}

export const INFOS = ['user_count', 'subscription_count', 'cache'] as const;
export type Info = (typeof INFOS)[number];

/** Members that Pusher's libraries send; anything else is a mistake of the caller's. */
const EVENT_MEMBERS = ['name', 'data', 'channels', 'channel', 'socket_id', 'info'];

/** @throws Refusal naming the rule */
export function publishedOf(given: unknown): Published {
  if (!isObject(given)) throw new Refusal(400, 'The body is no JSON object');
  const unknown = Object.keys(given).find((member) => !EVENT_MEMBERS.includes(member));
  if (unknown !== undefined) throw new Refusal(400, 'The event has an unknown member');
  const { name, data, channel, channels, socket_id: socketId, info } = given;
  if (typeof name !== 'string' || name === '') throw new Refusal(400, 'name is missing');
  if (name.length > PUSHER_LIMITS.eventCharsMax) throw new Refusal(400, 'name is too long');
  if (typeof data !== 'string') throw new Refusal(400, 'data is missing or no text');
  if (Buffer.byteLength(data) > PUSHER_LIMITS.payloadBytesMax) {
    throw new Refusal(413, 'data is larger than 10 KB');
  }
  if (socketId !== undefined && socketId !== null && !isSocketIdText(socketId)) {
    throw new Refusal(400, 'socket_id is none');
  }
  return {
    ...{ name, data, channels: channelsOf(channel, channels), info: infosOf(info) },
    ...(isSocketIdText(socketId) && { socketId }),
  };
}

/** @throws Refusal */
export function batchOf(body: unknown): Published[] {
  const batch = isObject(body) ? body.batch : undefined;
  if (!Array.isArray(batch)) throw new Refusal(400, 'batch is missing');
  if (batch.length === 0 || batch.length > PUSHER_LIMITS.batchEventsMax) {
    throw new Refusal(400, 'batch has no event, or more than ten');
  }
  return batch.map(publishedOf);
}

function isSocketIdText(value: unknown): value is string {
  return typeof value === 'string' && isSocketId(value);
}

function channelsOf(one: unknown, several: unknown): string[] {
  if (one !== undefined && several !== undefined) {
    throw new Refusal(400, 'channel and channels are both there');
  }
  const all: unknown = one === undefined ? several : [one];
  if (!Array.isArray(all) || all.length === 0) throw new Refusal(400, 'channels is missing');
  if (all.length > PUSHER_LIMITS.publishChannelsMax) {
    throw new Refusal(400, 'More than a hundred channels');
  }
  const names = all.map((name) => {
    if (typeof name === 'string' && channelKind(name) !== undefined) return name;
    throw new Refusal(400, 'A channel name is none');
  });
  return [...new Set(names)];
}

/** `user_count,cache`, as parameter or member. @throws Refusal */
export function infosOf(given: unknown): Info[] {
  if (given === undefined || given === null || given === '') return [];
  if (typeof given !== 'string') throw new Refusal(400, 'info is no text');
  return given.split(',').map((word) => {
    const known = INFOS.find((info) => info === word.trim());
    if (known === undefined) throw new Refusal(400, 'info names something unknown');
    return known;
  });
}

/** @throws Refusal; never quotes the body */
export function jsonBody(body: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const value: unknown = JSON.parse(text);
    if (!isDeeperThan(value, PUSHER_LIMITS.frameDepthMax)) return value;
  } catch {
    // Told below: what the parser says quotes the body.
  }
  throw new Refusal(400, 'The body is no JSON');
}
