import { createHmac } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { DeploymentKeys } from '../config/keys.ts';
import type { GatewayCore } from '../gateway/index.ts';
import type { GatewayMetrics } from '../gateway/metrics.ts';
import {
  createPusher,
  type Pusher,
  type PusherApp,
  type PusherOptions,
  type SaidOfCall,
} from '../gateway/protocols/pusher/index.ts';
import type { RedisLink } from '../gateway/redis-link.ts';
import type { EventsDesk, PusherDesk } from '../http/parts.ts';
import { randomId } from '../kernel/ids.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Rates } from '../operations/redis-rates.ts';
import type { Principal } from '../twin/ports.ts';
import { sealingSecrets } from './door.ts';

type Wired = Pick<PusherOptions, 'access' | 'audit' | 'clock' | 'report'> & {
  readonly keys: DeploymentKeys;
  readonly redis: RedisLink | undefined;
  readonly metrics: GatewayMetrics;
  readonly rates: Pick<Rates, 'of'>;
  /** Known once the gateway is there. */
  readonly events: () => EventsDesk;
};

/** Requests a second of one app's servers, over all instances. */
const RATE = { perSecond: 500, burst: 2_500 };

export interface WiredPusher {
  /** For the gateway, which hands its parts over. */
  faces(core: GatewayCore): readonly [Pusher['face']];
  /** Once the gateway is there. */
  services(): readonly Service[];
  desk(): PusherDesk;
}

/** The Pusher face, which stands on the gateway's parts. */
export function pusherOf(config: Config, wired: Wired): WiredPusher {
  const { keys, rates, events } = wired;
  const counted = rates.of('pusher api', RATE);
  let opened: Pusher | undefined;
  const pusher = (): Pusher => {
    if (opened === undefined) throw new Error('the gateway is not there yet');
    return opened;
  };
  return {
    faces(core) {
      opened = createPusher(core, {
        ...wired,
        apps: appsOf(config, keys),
        secrets: sealingSecrets(keys),
        secret: keys.etag,
        rate: ({ id }) => counted.take(id),
        sayOfCall: (app, said) => sayOfCall(app, said, events()),
      });
      return [opened.face];
    },
    services: () => pusher().services,
    desk: () => ({ handle: (request) => pusher().api.handle(request), ...pusher().auth }),
  };
}

/** Those of the setting; in development one for the demo. */
export function appsOf(
  { pusherApps, production }: Pick<Config, 'pusherApps' | 'production'>,
  keys: DeploymentKeys,
): readonly PusherApp[] {
  return pusherApps ?? (production ? [] : [developmentApp(keys)]);
}

/** Its secret is of this deployment alone: whoever wants to know one sets `PUSHER_APPS`. */
function developmentApp({ etag }: DeploymentKeys): PusherApp {
  const secret = createHmac('sha256', etag).update('pusher app').digest('hex');
  const named = { id: 'digital-twin', key: 'digital-twin', tenant: 'demo' };
  return { ...named, secret, webhooks: [], subscriptionCount: false };
}

const CALLS = ['call.accepted', 'call.ready', 'call.ended', 'call.join', 'call.extend'] as const;

/** An app's servers may say of their tenant's members what a visit needs, and nothing else. */
async function sayOfCall(
  app: PusherApp,
  { type: said, member, callId, data }: SaidOfCall,
  events: EventsDesk,
): Promise<void> {
  const type = CALLS.find((one) => one === said);
  if (type === undefined) throw new Error('no event of a visit');
  const principal: Principal = {
    ...{ kind: 'agent', subject: `pusher-app-${app.id}`, tenant: app.tenant, clientId: app.id },
    ...{ issuer: 'pusher', tokenId: `pusher-app-${app.id}`, expiresAtMs: Number.MAX_SAFE_INTEGER },
    scopes: new Set(CALLS.map((one) => `events:publish:${one}`)),
  };
  const caller = { principal, correlationId: randomId() };
  await events.publish(caller, { type, member, data: { callId, data } });
}
