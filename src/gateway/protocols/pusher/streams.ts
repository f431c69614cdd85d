import { createHash } from 'node:crypto';
import { SECTIONS } from '../../../contract/uris.ts';
import type { StreamName } from '../../ports.ts';
import type { PusherApp } from './apps.ts';
import { type ChannelKind, memberOf } from './channels.ts';

type OfApp = Pick<PusherApp, 'id'>;

/** The stream of an app's channel; whose user it is stands in no key. */
export function streamOf(app: OfApp, channel: string): StreamName {
  const name = channel.startsWith('#')
    ? `#user:${createHash('sha256').update(channel).digest('base64url')}`
    : channel;
  return `pusher:${app.id}:${name}`;
}

/** What clients say to each other goes beside it: nobody is told of that later. */
export function clientStreamOf(app: OfApp, channel: string): StreamName {
  return `${streamOf(app, channel)}:client`;
}

/** By which the instances tell each other of what concerns no channel. */
export function controlStreamOf(app: OfApp): StreamName {
  return `pusher:${app.id}:!control`;
}

/** Streams of which one that comes again is told what was missed. */
export function trackedStreams(app: OfApp, channel: string): StreamName[] {
  const member = memberOf(channel);
  const own = streamOf(app, channel);
  return member === undefined ? [own] : [`member:${member}`, own];
}

export function streamsOf(app: OfApp, channel: string, kind: ChannelKind): StreamName[] {
  const speaks = kind.access === 'private' || kind.access === 'presence';
  const tracked = trackedStreams(app, channel);
  return speaks && !kind.encrypted ? [...tracked, clientStreamOf(app, channel)] : tracked;
}

/** Of which one must be readable for the channels of a member. */
export function documentsOf(member: string): string[] {
  return SECTIONS.map((section) => `mcp://twins/member/${member}/${section}`);
}

/** What an app's server says on a member's channel takes the same right as the calls of a visit. */
export function neededOn(channel: string): string | undefined {
  const member = memberOf(channel);
  return member === undefined ? undefined : `mcp://twins/member/${member}/care`;
}
