import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type AccessRoom, createAccess, parseRelation } from './access/index.ts';
import { createChat } from './chat/index.ts';
import { type Config, publicUrlOf } from './config/config.ts';
import { PAGES_CLIENT } from './contract/pages.ts';
import { Listener } from './http/listener.ts';
import { rated } from './http/rated.ts';
import type { Clock } from './kernel/clock.ts';
import { type Service, startAll } from './kernel/lifecycle.ts';
import { withConformance } from './mcp/conformance/index.ts';
import { createMcpEndpoint } from './mcp/endpoint.ts';
import { seedDemo } from './operations/demo.ts';
import { type DemoAgent, greeting } from './operations/greeting.ts';
import { createHealth } from './operations/health.ts';
import { keepingOf } from './operations/keeping/index.ts';
import { createProbes } from './operations/probes.ts';
import { createChangeBus } from './twin/change-bus.ts';
import { followed } from './twin/disclosures.ts';
import type { View } from './twin/ports.ts';
import { isOfTenant, withinTenants } from './twin/tenants.ts';
import { createView } from './view/embedded.ts';
import { breakGlassOf } from './wiring/break-glass.ts';
import { createDoor } from './wiring/door.ts';
import { eligibilityOf } from './wiring/eligibility.ts';
import { gatewayOf } from './wiring/gateway.ts';
import { openGround } from './wiring/ground.ts';
import { recordedConfiguration } from './wiring/recorded.ts';
import { announce, startFailure, stopping } from './wiring/running.ts';

/** What the process gives to the application. */
export interface AppParts {
  readonly clock: Clock;
  readonly version: string;
  /** Program and arguments that start the command line again. */
  readonly launcher: readonly string[];
  /** Called when nobody has been here for `IDLE_EXIT_SECONDS`. */
  readonly onIdle: () => void;
  /** A part has ended that this process cannot start anew: stop, and say so. */
  readonly onFatal: () => void;
}

export interface App extends Service {
  /** For faults that nobody caught. */
  readonly report: (error: unknown) => void;
  /** Known once started. */
  readonly url: string;
  /** What to print once it has started. */
  greeting(): string;
}

const DEMO = fileURLToPath(new URL('../resources/demo', import.meta.url));

/**
 * The whole wiring: embedded parts, one process, one data directory.
 * @throws DataDirTaken naming process and port when another server has the directory.
 */
export async function createApp(config: Config, parts: AppParts): Promise<App> {
  const { clock, version, launcher, onIdle } = parts;
  const { dataDir, kafka, spicedb, production } = config;
  let url = '';
  const ground = await openGround(config, parts);
  const { lock, keys, logger, metrics, report, onDeath, stored, log, flags, intake } = ground;
  const bus = createChangeBus(report);
  const following = { log: log.log, bus, etagKey: keys.etag, onLag: metrics.viewLag };
  const view = createView({ ...stored, ...following, snapshotDir: config.snapshotDir });
  const audited = { signingKey: keys.etag, ...config.audit, topic: log.audits };
  const ruled = { dataDir, clock, journal: log.relations, issuerKey: keys.issuer, audit: audited };
  const leadership = spicedb && log.relationsLeadership;
  const asked = { ...ruled, ...issuersOf(config), spicedb, leadership };
  const room = followed(createAccess({ ...asked, report, metrics, onDeath }));
  const { audit, trail, disclosures, decisions, panelOf, relations, issuer } = room;
  const access = withinTenants(decisions, view);
  const readable = { view, access, audit: trail, clock, panelOf, onRead: metrics.read };
  const door = createDoor(config, keys, readable, { log: log.log, report });
  const chat = createChat({ ...door, access, audit: trail, intake, clock });
  const shared = { ...door, access, audit: trail, bus, clock, version, report, metrics };
  const checks = eligibilityOf(config, { ...ground, ...shared, view });
  const spoken = { disclosures, chat, checks: checks.desk, hotReads: flags.hotReads };
  const told = { ...shared, ...spoken, ...checks.told, epoch: () => view.epoch };
  const mcp = createMcpEndpoint(config.conformance ? withConformance(told) : told);
  const http = new Listener({ ...config, onIdle, publicUrl: (port) => publicUrlOf(config, port) });
  const probed = { ...door, log: log.log, isRemote: !!kafka, view, access: decisions, audit };
  const health = createHealth(createProbes({ ...probed, outbox: intake, issuer }), report);
  const written = leadership ? [...room.services, leadership] : room.services;
  const keeping = keepingOf(config, keys, { ...stored, version, log, intake, relations, view });
  const breakGlass = breakGlassOf(config, { ...shared, ...log, logger, view, relations });
  const own = [intake, view, ...written, keeping.erasure, ...log.publisher(view, bus)];
  const recorded = recordedConfiguration({ ...shared, config, flags });
  const realtime = gatewayOf(config, { ...ground, ...told, ...log, view, publicUrl: () => url });
  const after = [...own, recorded, breakGlass.notices, ...checks.services, mcp];
  const services = [flags, ...door.shared, ...log.services, ...after, ...realtime.services, http];
  const key = randomBytes(32).toString('base64url');
  let demoAgent: DemoAgent | undefined;

  const open = async (port: number): Promise<void> => {
    url = publicUrlOf(config, port);
    const { mint, authorizationServer, ...authenticator } = await room.tokens(url);
    demoAgent = authorizationServer?.demoAgent;
    const counted = rated(authenticator, door.rates.of, config.requestsPerSecond);
    realtime.open(counted);
    http.open({
      ...{ ...shared, ...health, ...log.desks, mcp, intake, view, relations: room.desk, flags },
      ...{ authenticator: counted, ...realtime.routes },
      ...{ snapshots: view.snapshots, keeping, breakGlass, ...checks.routes },
      ofTenant: (tenant, object) => isOfTenant(view, tenant, object),
      ...auditOf(room, view),
      development: production ? undefined : withoutAbsent({ key, mint, authorizationServer }),
      pagesClientId: authorizationServer ? PAGES_CLIENT : config.oauth?.pagesClientId,
      topicPrefix: kafka?.topicPrefix ?? '',
      ...{ metricsText: metrics.text, served: metrics.served },
    });
  };
  const stop = stopping({ drain: health.drain, dataDir, services, logger, lock });
  return {
    name: 'digital-twin',
    report,
    get url() {
      return url;
    },
    greeting: () => greeting({ ...config, version, url, launcher, demoAgent, pid: process.pid }),
    async start() {
      try {
        await open(await http.bind());
        await startAll(services);
        if (config.demo) await seedDemo({ ...log, folder: DEMO, relations, parseRelation });
        http.answer();
        await announce(config, parts, { port: http.port, url, key });
      } catch (error) {
        await stop();
        throw startFailure(error, dataDir);
      }
    },
    stop,
  };
}

/** What is given out of the audit, a tenant at a time. */
function auditOf({ auditDesk }: AccessRoom, view: View) {
  const memberTenant = (id: string): string | undefined => {
    const subject = { kind: 'member', id } as const;
    return view.for(view.partitionOf(subject)).tenantOf(subject);
  };
  return { auditDesk: auditDesk(memberTenant), memberTenant };
}

/** Whose tokens are taken. Ours come by a login as well: not in production, nor beside a company's. */
function issuersOf(config: Config) {
  const { production, oauth, demo, host, publicUrl, loopbackClients } = config;
  if (production || oauth !== undefined) return { oauth };
  const names = [host, new URL(publicUrl ?? 'http://localhost').hostname];
  const onLoopback = names.every((name) => LOOPBACK.has(name));
  const loginCommand = 'npx digital-twin login-code --as NAME';
  return { authorizationServer: { demo, onLoopback, loopbackClients, loginCommand } };
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

function withoutAbsent<T extends object>(parts: T) {
  const there = Object.entries(parts).filter(([, part]) => part !== undefined);
  return Object.fromEntries(there) as { [K in keyof T]: Exclude<T[K], undefined> };
}
