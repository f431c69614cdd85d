import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createAccess, parseRelation } from './access/index.ts';
import { createChat } from './chat/index.ts';
import { type Config, publicUrlOf } from './config/config.ts';
import { lockDataDir } from './config/data-lock.ts';
import { type DeploymentKeys, loadKeys } from './config/keys.ts';
import { removeServerFile, writeServerFile } from './config/server-file.ts';
import { Listener } from './http/listener.ts';
import type { Clock } from './kernel/clock.ts';
import { type Service, startAll, stopAll } from './kernel/lifecycle.ts';
import { createEmbeddedLog } from './log/embedded.ts';
import { createMcpEndpoint } from './mcp/endpoint.ts';
import { seedDemo } from './operations/demo.ts';
import { greeting } from './operations/greeting.ts';
import { createLogger } from './operations/logger.ts';
import { createMetrics } from './operations/metrics.ts';
import { createChangeBus } from './twin/change-bus.ts';
import { createCursorCodec } from './twin/cursor.ts';
import { createFloors, type Floors } from './twin/floors.ts';
import { createPositionCodec, type PositionCodec } from './twin/position.ts';
import { createReader, type Reader, type ReaderParts } from './twin/reader/index.ts';
import { createReceipts } from './twin/receipts.ts';
import { withinTenants } from './twin/tenants.ts';
import { createView } from './view/embedded.ts';

/** What the process gives to the application. */
export interface AppParts {
  readonly clock: Clock;
  readonly version: string;
  /** Program and arguments that start the command line again. */
  readonly launcher: readonly string[];
  /** Called when nobody has been here for `IDLE_EXIT_SECONDS`. */
  readonly onIdle: () => void;
}

export interface App extends Service {
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
  const { clock, version, launcher } = parts;
  const { dataDir } = config;
  const lock = await lockDataDir(dataDir);
  const keys = await loadKeys(dataDir);
  const logger = createLogger({ level: config.logLevel, version });
  const metrics = createMetrics();
  const report: Report = (err, correlationId) => logger.error({ err, correlationId }, 'fault');

  const { memberIds } = config;
  const stored = { dataDir, clock, onError: report };
  const log = createEmbeddedLog({ ...stored, memberIds, memberIdKey: keys.memberId });
  const bus = createChangeBus(report);
  const view = createView({ ...stored, log: log.log, bus, etagKey: keys.etag });
  const journal = log.relations;
  const room = createAccess({ dataDir, clock, journal, issuerKey: keys.issuer, report });
  const { audit } = room;
  const access = withinTenants(room.decisions, view);
  const door = createDoor(config, keys, { view, access, audit, clock });
  const { intake } = log;
  const chat = createChat({ ...door, access, intake, clock });
  const shared = { ...door, access, audit, bus, clock, version, report, metrics };
  const mcp = createMcpEndpoint({ ...shared, chat, epoch: () => view.epoch });
  const http = new Listener({
    ...config,
    publicUrl: (port) => publicUrlOf(config, port),
    onIdle: parts.onIdle,
  });
  const services = [log, view, ...room.services, mcp, http];
  let url = '';

  return {
    name: 'digital-twin',
    get url() {
      return url;
    },
    greeting: () => greeting({ ...config, version, url, launcher, pid: process.pid }),
    async start() {
      const port = await http.bind();
      url = publicUrlOf(config, port);
      const tokens = await room.tokens(url);
      const key = randomBytes(32).toString('base64url');
      http.open({
        ...shared,
        mcp,
        intake,
        view,
        relations: room.desk,
        authenticator: tokens,
        auditVerify: async () => ({ ...(await audit.verify()) }),
        development: config.production ? undefined : { key, mint: tokens.mint },
        readiness: async () => ({ ready: true, access: room.decisions.sure }),
        metricsText: metrics.text,
        served: metrics.served,
      });
      await startAll(services);
      if (config.demo) {
        await seedDemo({
          folder: DEMO,
          log: log.log,
          intake,
          relations: room.relations,
          parseRelation,
        });
      }
      http.answer();
      const startedAt = new Date(clock.now()).toISOString();
      const file = { pid: process.pid, host: config.host, port, url, key, startedAt, version };
      if (!config.production) await writeServerFile(dataDir, file);
    },
    async stop() {
      await removeServerFile(dataDir, process.pid);
      const late = await stopAll(services);
      if (late.length > 0) logger.warn({ late }, 'stopped without waiting any longer');
      lock.release();
    },
  };
}

/** The one door, and what positions and floors it shares with the surfaces. */
function createDoor(
  { readWaitMs }: Config,
  keys: DeploymentKeys,
  parts: Pick<ReaderParts, 'view' | 'access' | 'audit' | 'clock'>,
): { reader: Reader; positions: PositionCodec; floors: Floors } {
  const positions = createPositionCodec(keys.position);
  const floors = createFloors();
  const reader = createReader({
    ...parts,
    positions,
    floors,
    cursors: createCursorCodec(keys.cursor, parts.clock),
    receipts: createReceipts(parts.clock),
    etagKey: keys.etag,
    readWaitMs,
  });
  return { reader, positions, floors };
}

type Report = (error: unknown, correlationId?: string) => void;
