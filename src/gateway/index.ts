/** The realtime gateway: connections, streams of events, and the faces that speak to clients. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Floors } from '../twin/floors.ts';
import type { Access, Audit, ChangeBus, Principal, TakenEvent, View } from '../twin/ports.ts';
import type { PositionCodec } from '../twin/position.ts';
import type { Reader } from '../twin/reader/index.ts';
import { PacedAdmission } from './connections/admission.ts';
import { Connections } from './connections/connections.ts';
import { BusFeed } from './events/bus-feed.ts';
import { logFeed } from './events/log-feed.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Admission, ChannelLog, Face, Hub, Presence, Registry, Rights } from './ports.ts';
import { Instances } from './presence/instances.ts';
import { MemoryPresence } from './presence/memory-presence.ts';
import { MemoryRegistry } from './presence/memory-registry.ts';
import { RedisPresence } from './presence/redis-presence.ts';
import { RedisRegistry } from './presence/redis-registry.ts';
import { OwnFace } from './protocols/own/face.ts';
import type { RedisLink } from './redis-link.ts';
import { createRights, readyIn } from './rights.ts';
import { GatewayHub } from './streams/hub.ts';
import { MemoryLog } from './streams/memory-log.ts';
import { RedisLog } from './streams/redis-log.ts';
import { Upgrades } from './transport/upgrades.ts';

export { createEventsDesk } from './events/desk.ts';
export { GATEWAY_TOPICS } from './events/mapped.ts';
export { createRedisLink, type RedisLink } from './redis-link.ts';

/** Connections let in a second, after those of a tenth of one. */
const ADMITTED_PER_SECOND = 2_000;
/** A service has ten seconds to stop; the listener's other streams end meanwhile. */
const DRAIN_MS = 6_000;
const DRAIN_PER_SECOND = 500;
const QUEUED_BYTES_MAX = 256 * 1024 * 1024;

export interface GatewayParts {
  /** `undefined`: everything is of this process alone. */
  readonly redis: RedisLink | undefined;
  readonly reader: Reader;
  readonly view: Pick<View, 'epoch' | 'partitions' | 'for' | 'waitFor'>;
  readonly access: Pick<Access, 'onChange'>;
  readonly audit: Audit;
  readonly floors: Pick<Floors, 'raise'>;
  readonly positions: PositionCodec;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly report: (error: unknown, correlationId?: string) => void;
  readonly readWaitMs: number;
  /** Where nothing else says what changed: the bus of embedded parts. */
  readonly bus: ChangeBus | undefined;
  /** What else hears of each append, before it: what was said last of a call. */
  readonly around?: (log: ChannelLog) => ChannelLog;
  /** Other protocols on the same parts. */
  readonly faces?: (core: GatewayCore) => readonly (Face & Partial<Service>)[];
  /** For tests and benchmarks. */
  readonly admittedPerSecond?: number;
}

/** What the faces stand on. */
export interface GatewayCore {
  readonly log: ChannelLog;
  readonly hub: Hub;
  readonly rights: Rights;
  readonly presence: Presence;
  readonly registry: Registry;
  readonly admission: Admission;
  /** By a token's text. @throws Fault UNAUTHENTICATED and others */
  readonly authenticate: (token: string) => Promise<Principal>;
}

export interface Gateway extends GatewayCore {
  /** In the order in which they start; before the listener. */
  readonly services: readonly Service[];
  /** Of events that come from topics, once each is in the channel log. */
  readonly take: (event: TakenEvent) => Promise<void>;
  /** Who verifies tokens, known once the listener has its port. */
  open(authenticate: (token: string) => Promise<Principal>): void;
  /** An upgrade request of the listener, whatever its path. */
  upgrade(req: IncomingMessage, stream: Duplex, head: Buffer): void;
  /** Closes all connections, spread over time. */
  drain(): Promise<void>;
  readonly connections: number;
}

export function createGateway(parts: GatewayParts): Gateway {
  const { clock, metrics, report, bus, view } = parts;
  const { log: kept, presence, registry, services } = sharedOf(parts);
  const log = parts.around?.(kept) ?? kept;
  const asked = { ...parts, readWaitMs: parts.readWaitMs };
  const rights = createRights(asked);
  const hub = new GatewayHub({ ...parts, log, rights, ready: readyIn(asked, clock) });
  const admission = new PacedAdmission(clock, parts.admittedPerSecond ?? ADMITTED_PER_SECOND);
  let verify: ((token: string) => Promise<Principal>) | undefined;
  const authenticate = (token: string): Promise<Principal> => {
    if (verify === undefined) return Promise.reject(new Error('the gateway is not open yet'));
    return verify(token);
  };
  const core = { log, hub, rights, presence, registry, admission, authenticate };
  const own = new OwnFace({ ...parts, ...core });
  const others = parts.faces?.(core) ?? [];
  const connections = new Connections({
    ...{ clock, metrics, report, drainMs: DRAIN_MS, drainPerSecond: DRAIN_PER_SECOND },
    queuedBytesMax: QUEUED_BYTES_MAX,
  });
  const upgrades = new Upgrades(connections, [own, ...others]);
  const feed = bus === undefined ? [] : [new BusFeed({ bus, view, log, report })];
  return {
    ...core,
    services: [log, ...services, hub, ...feed, own, ...others.filter(isService)],
    take: logFeed(log, clock, report),
    open(authenticator) {
      verify = authenticator;
      connections.start();
    },
    upgrade: (req, stream, head) => upgrades.upgrade(req, stream, head),
    drain: () => connections.drain(),
    get connections() {
      return connections.size;
    },
  };
}

function sharedOf({ redis, clock, report }: GatewayParts) {
  if (redis === undefined) {
    const [presence, registry] = [new MemoryPresence({ clock }), new MemoryRegistry()];
    return { log: new MemoryLog({ clock }), presence, registry, services: [presence, registry] };
  }
  const instances = new Instances({ redis, clock, report });
  const presence = new RedisPresence({ redis, instances, report });
  const registry = new RedisRegistry(redis, instances);
  const services = [instances, presence, registry];
  return { log: new RedisLog({ redis, report }), presence, registry, services };
}

function isService(face: Face & Partial<Service>): face is Face & Service {
  return face.start !== undefined && face.stop !== undefined;
}
