import type { Config } from '../config/config.ts';
import type { DeploymentKeys } from '../config/keys.ts';
import {
  createEventsDesk,
  createGateway,
  createRedisLink,
  GATEWAY_TOPICS,
  type Gateway,
  type GatewayParts,
  type RedisLink,
} from '../gateway/index.ts';
import type { Authenticator, EventsDesk, PusherDesk, RealtimeDesk } from '../http/parts.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import { checkEventMessage } from '../log/events/index.ts';
import type { Metrics } from '../operations/metrics.ts';
import { connectRedis } from '../operations/redis.ts';
import type { Rates } from '../operations/redis-rates.ts';
import type { CheckEvent, CheckJournal, EventTopics, View } from '../twin/ports.ts';
import { pusherOf } from './pusher.ts';
import { type RolloutWired, rolloutOf } from './rollout.ts';
import type { Report } from './running.ts';

type Wired = Omit<GatewayParts, 'redis' | 'readWaitMs' | 'bus' | 'metrics' | 'report' | 'view'> &
  Pick<RolloutWired, 'flags' | 'publicUrl' | 'view'> & {
    readonly bus: NonNullable<GatewayParts['bus']>;
    readonly metrics: Pick<Metrics, 'gateway'>;
    readonly report: Report;
    readonly clock: Clock;
    /** Absent with embedded parts. */
    readonly events?: EventTopics | undefined;
    /** What becomes of checks; with Kafka it comes by `rte-completion`. */
    readonly onChecks?: CheckJournal['onEvents'] | undefined;
    readonly view: View;
    readonly keys: DeploymentKeys;
    readonly rates: Pick<Rates, 'of'>;
  };

export interface WiredGateway {
  readonly gateway: Gateway | undefined;
  /** Before the listener, in the order in which they start. */
  readonly services: readonly Service[];
  /** Whom its clients are is verified as everywhere. */
  open(authenticator: Authenticator): void;
  /** For the listener; nothing where the role does not run. */
  readonly routes: {
    readonly upgrades?: Gateway;
    readonly events?: EventsDesk;
    readonly realtime?: RealtimeDesk;
    readonly pusher?: PusherDesk;
  };
}

/** The realtime gateway, where the role runs. Without Redis it is of this process alone. */
export function gatewayOf(config: Config, wired: Wired): WiredGateway {
  if (!config.roles.includes('gateway')) {
    return { gateway: undefined, services: [], open: () => undefined, routes: {} };
  }
  const { redis, services } = linkOf(config, wired.report);
  const { readWaitMs, kafka } = config;
  const metrics = wired.metrics.gateway;
  const bus = kafka === undefined ? wired.bus : undefined;
  const moving = rolloutOf(config, { ...wired, redis });
  const { around } = moving;
  const pusher = pusherOf(config, { ...wired, redis, metrics, events: () => events });
  const { faces } = pusher;
  const gateway = createGateway({ ...wired, around, redis, readWaitMs, metrics, bus, faces });
  const events = eventsDeskOf(wired, gateway);
  if (kafka === undefined) wired.onChecks?.((told) => tellChecks(gateway, told, wired.report));
  return {
    gateway,
    services: [
      ...services,
      ...moving.services,
      ...gateway.services,
      ...pusher.services(),
      ...takingFrom(wired.events, gateway, metrics),
    ],
    open({ authenticate }) {
      gateway.open((token) => authenticate(['authorization', `Bearer ${token}`]));
    },
    routes: {
      upgrades: gateway,
      events,
      realtime: moving.desk,
      pusher: pusher.desk(),
    },
  };
}

function eventsDeskOf({ view, events: topics, clock }: Wired, { log }: Gateway): EventsDesk {
  const memberTenant = (id: string): string | undefined => {
    const subject = { kind: 'member', id } as const;
    return view.for(view.partitionOf(subject)).tenantOf(subject);
  };
  return createEventsDesk({ topics, log, memberTenant, clock });
}

/** As `rte-completion` would bring them. */
function tellChecks({ take }: Gateway, told: readonly CheckEvent[], report: Report): void {
  for (const [index, event] of told.entries()) {
    const { type, message } = checkEventMessage(event);
    const place = { topic: 'rte-completion', partition: 0, offset: event.at * 1_000 + index };
    const about = { id: event.eventId, type, value: message, timestamp: event.at };
    take({ ...about, ...place, signal: new AbortController().signal }).catch(report);
  }
}

/** With Kafka one group of all instances: each event goes to the channel log once. */
function takingFrom(
  events: EventTopics | undefined,
  { take }: Gateway,
  { kafkaLag: onLag }: Metrics['gateway'],
): Service[] {
  if (events === undefined) return [];
  return [events.take({ group: 'gateway', topics: GATEWAY_TOPICS, take, onLag })];
}

/** Two connections: one that listens for messages can do nothing else. */
function linkOf(
  { redis: settings }: Config,
  report: Report,
): { redis: RedisLink | undefined; services: readonly Service[] } {
  if (settings === undefined) return { redis: undefined, services: [] };
  const lost = 'events reach nobody until it is back; then nothing is missing';
  // A crowd that comes back keeps both sides busy; that is no reason to send it away again.
  const timeoutMs = LIMITS.gatewayRedisTimeoutMs;
  const [commands, listening] = [
    connectRedis({ settings, report, lost, timeoutMs }),
    connectRedis({ settings, report, lost: 'the gateway hears nothing of others', timeoutMs }),
  ];
  return { redis: createRedisLink(commands, listening, report), services: [commands, listening] };
}
