import { randomId } from '../../../kernel/ids.ts';
import type { GatewayEvent } from '../../ports.ts';
import type { PusherApp } from './apps.ts';
import { memberOf } from './channels.ts';
import { neededOn } from './streams.ts';

export interface Said {
  readonly channel: string;
  readonly name: string;
  readonly data: string;
  readonly nowMs: number;
  /** Of the connection that is left out. */
  readonly socketId?: string | undefined;
}

/** What an app's server or client says on a channel, as its stream keeps it. */
export function appEvent(
  app: Pick<PusherApp, 'tenant'>,
  { channel, name, data, nowMs, socketId }: Said,
): GatewayEvent {
  const needs = neededOn(channel);
  const member = memberOf(channel);
  return {
    ...{ id: randomId(), type: name, topic: 'pusher', tenant: app.tenant, raw: data },
    time: new Date(nowMs).toISOString(),
    ...(needs !== undefined && { needs }),
    ...(member !== undefined && { member }),
    ...(socketId !== undefined && { except: socketId }),
  };
}
