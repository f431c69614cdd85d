import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type AccessRoom,
  createAccess,
  issuerFaults,
  mendSchema,
  parseRelation,
  spicedbFaults,
} from './access/index.ts';
import { takeUpTrail } from './access/restored-trail.ts';
import { createChat } from './chat/index.ts';
import { type Config, publicUrlOf } from './config/config.ts';
import { type DataLock, lockDataDir } from './config/data-lock.ts';
import { type DeploymentKeys, loadKeys } from './config/keys.ts';
import { replacePrivate } from './config/private-file.ts';
import { removeServerFile, writeServerFile } from './config/server-file.ts';
import type { Restored } from './contract/backups.ts';
import { Listener } from './http/listener.ts';
import { rated } from './http/rated.ts';
import { type Clock, systemClock } from './kernel/clock.ts';
import { type Service, StartFailed, startAll, stopAll } from './kernel/lifecycle.ts';
import { WorkerDied } from './kernel/worker.ts';
import { damageOf, MEND } from './log/damaged.ts';
import { LogDamaged } from './log/embedded.ts';
import { type Outbox, type OutboxOptions, withOutbox } from './log/outbox/outbox.ts';
import { openLogRoom } from './log/room.ts';
import type { KafkaSettings, LogRoom, LogRoomOptions } from './log/room-parts.ts';
import { renewLog } from './log/schema.ts';
import { withConformance } from './mcp/conformance/index.ts';
import { createMcpEndpoint } from './mcp/endpoint.ts';
import { createRequestStates, type RequestStates } from './mcp/request-state.ts';
import { restoreBackup } from './operations/backup/restore.ts';
import { seedDemo } from './operations/demo.ts';
import { createFlags, type Flags } from './operations/flags.ts';
import { type FloorsService, openFloors } from './operations/floors.ts';
import { type DemoAgent, greeting } from './operations/greeting.ts';
import { createHealth } from './operations/health.ts';
import { keepingOf } from './operations/keeping/index.ts';
import { createLogger, type Logger } from './operations/logger.ts';
import { createMetrics } from './operations/metrics.ts';
import { createProbes } from './operations/probes.ts';
import { openRates, type Rates } from './operations/redis-rates.ts';
import { collectStartFaults, type StartFault } from './operations/start-faults.ts';
import { clockFaults, dataDirProbe, httpProbe, redisProbe } from './operations/start-probes.ts';
import { createChangeBus } from './twin/change-bus.ts';
import { createCursorCodec } from './twin/cursor.ts';
import { followed } from './twin/disclosures.ts';
import type { EventLog, Intake, View } from './twin/ports.ts';
import { createPositionCodec, type PositionCodec } from './twin/position.ts';
import { createReader, type Reader, type ReaderParts } from './twin/reader/index.ts';
import { createReceipts } from './twin/receipts.ts';
import type { Secrets } from './twin/sealing.ts';
import { createSpend } from './twin/spending.ts';
import { isOfTenant, withinTenants } from './twin/tenants.ts';
import { createView } from './view/embedded.ts';

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

/**
 * Between the embedded log of the data directory and Kafka, while no server runs on the directory.
 * @returns how many records @throws Error naming what stands in the way
 */
export async function replayLog(config: Config, into: 'kafka' | 'data-dir'): Promise<number> {
  const { kafka, dataDir, production } = config;
  if (kafka === undefined) throw new Error('KAFKA_BROKERS names no Kafka');
  const lock = await lockDataDir(dataDir);
  try {
    const transfer = await import('./log/transfer/index.ts');
    const { memberId: memberIdKey } = await loadKeys(config.keysFile);
    const of = { dataDir, kafka, memberIdKey, into, clock: systemClock };
    return await transfer.replayLog({ ...of, makeTopics: !production });
  } finally {
    lock.release();
  }
}

/**
 * A backup into the data directory, on which no server runs and which is empty but for the keys.
 * @throws Error naming what stands in the way
 */
export async function restoreBackupOf(config: Config, folder: string): Promise<Restored> {
  const { dataDir, keysFile, backupKey } = config;
  if (backupKey === undefined) throw new Error('BACKUP_KEY names no key that opens it');
  if (!existsSync(keysFile)) {
    throw new Error(`${keysFile} is not there: put the keys of that deployment into place first`);
  }
  const lock = await lockDataDir(dataDir);
  try {
    const { etag: deploymentKey } = await loadKeys(keysFile);
    const key = Buffer.from(backupKey, 'base64url');
    const proven = (path: string) => takeUpTrail(path, deploymentKey, systemClock.now());
    const into = { dataDir, key, deploymentKey, renewLog, verifyAudit: proven };
    return await restoreBackup({ ...into, folder });
  } finally {
    lock.release();
  }
}

/** For the commands that mend what keeps a server from starting. */
export { mendSchema };

// Whatever speaks with Kafka is loaded by who has one: its client takes a third of a start.
/** Compares the topics with what they should be, or makes them so. */
export async function mendTopics(kafka: KafkaSettings, action: 'diff' | 'apply') {
  return await (await import('./log/kafka/mend-topics.ts')).mendTopics(kafka, action);
}

async function topicFaultsOf(kafka: KafkaSettings, makeTopics: boolean) {
  return await (await import('./log/kafka/start-faults.ts')).kafkaFaults(kafka, makeTopics);
}

const DEMO = fileURLToPath(new URL('../resources/demo', import.meta.url));

/**
 * The whole wiring: embedded parts, one process, one data directory.
 * @throws DataDirTaken naming process and port when another server has the directory.
 */
export async function createApp(config: Config, parts: AppParts): Promise<App> {
  const { clock, version, launcher, onIdle } = parts;
  const { dataDir, memberIds, kafka, spicedb, production } = config;
  const lock = await lockDataDir(dataDir);
  const keys = await loadKeys(config.keysFile).catch(releasing(lock));
  const logger = createLogger({ level: config.logLevel, version });
  const metrics = createMetrics();
  const report: Report = (err, correlationId) => logger.error({ err, correlationId }, 'fault');
  const onDeath = telling(logger, parts.onFatal);
  const stored = { dataDir, clock, onError: deathsTo(onDeath, report, logger) };
  const addressed = { memberIds, kafka, makeTopics: !production, ...secretsOf(keys) };
  const log = await openLog({ ...stored, ...addressed }, logger).catch(releasing(lock));
  const { flags, intake } = createIntake(config, log.intake, stored, logger);
  const bus = createChangeBus(report);
  const following = { log: log.log, bus, etagKey: keys.etag, onLag: metrics.viewLag };
  const view = createView({ ...stored, ...following, snapshotDir: config.snapshotDir });
  const audited = { signingKey: keys.etag, ...config.audit, topic: log.audits };
  const ruled = { dataDir, clock, journal: log.relations, issuerKey: keys.issuer, audit: audited };
  const leadership = spicedb && log.relationsLeadership;
  const asked = { ...ruled, ...issuersOf(config), spicedb, leadership };
  const room = followed(createAccess({ ...asked, report, metrics, onDeath }));
  const { audit, trail, disclosures, decisions, panelOf, relations } = room;
  const access = withinTenants(decisions, view);
  const readable = { view, access, audit: trail, clock, panelOf, onRead: metrics.read };
  const door = createDoor(config, keys, readable, { log: log.log, report });
  const chat = createChat({ ...door, access, audit: trail, intake, clock });
  const shared = { ...door, access, audit: trail, bus, clock, version, report, metrics };
  const { hotReads } = flags;
  const spoken = { ...shared, disclosures, chat, hotReads, epoch: () => view.epoch };
  const mcp = createMcpEndpoint(config.conformance ? withConformance(spoken) : spoken);
  const http = new Listener({ ...config, onIdle, publicUrl: (port) => publicUrlOf(config, port) });
  const probed = { log: log.log, isRemote: !!kafka, view, access: decisions, audit };
  const probes = createProbes({ ...probed, ...door, outbox: intake, issuer: room.issuer });
  const health = createHealth(probes, report);
  const written = leadership ? [...room.services, leadership] : room.services;
  const keeping = keepingOf(config, keys, { ...stored, version, log, intake, relations, view });
  const own = [intake, view, ...written, keeping.erasure, ...log.publisher(view, bus)];
  const services = [flags, door.floors, door.rates, ...log.services, ...own, mcp, http];
  const key = randomBytes(32).toString('base64url');
  let url = '';
  let demoAgent: DemoAgent | undefined;

  const open = async (port: number): Promise<void> => {
    url = publicUrlOf(config, port);
    const { mint, authorizationServer, ...authenticator } = await room.tokens(url);
    demoAgent = authorizationServer?.demoAgent;
    http.open({
      ...{ ...shared, ...health, ...log.desks, mcp, intake, view, relations: room.desk, flags },
      authenticator: rated(authenticator, door.rates.of, config.requestsPerSecond),
      ...{ snapshots: view.snapshots, keeping },
      ofTenant: (tenant, object) => isOfTenant(view, tenant, object),
      ...auditOf(room, view),
      development: production ? undefined : withoutAbsent({ key, mint, authorizationServer }),
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

function startFailure(error: unknown, dataDir: string): unknown {
  if (!(error instanceof StartFailed)) return error;
  return new Error(`${error.message}. Its files are in ${dataDir}.`, { cause: error });
}

/** What is given out of the audit, a tenant at a time. */
function auditOf({ auditDesk }: AccessRoom, view: View) {
  const memberTenant = (id: string): string | undefined => {
    const subject = { kind: 'member', id } as const;
    return view.for(view.partitionOf(subject)).tenantOf(subject);
  };
  return { auditDesk: auditDesk(memberTenant), memberTenant };
}

interface Running {
  readonly drain: () => void;
  readonly dataDir: string;
  readonly services: readonly Service[];
  readonly logger: Logger;
  readonly lock: DataLock;
}

function stopping({ drain, dataDir, services, logger, lock }: Running): () => Promise<void> {
  return async () => {
    drain();
    await removeServerFile(dataDir, process.pid);
    const late = await stopAll(services);
    if (late.length > 0) logger.warn({ late }, 'stopped without waiting any longer');
    lock.release();
  };
}

/** What a room of the log tries again is a warning. */
function openLog(options: Omit<LogRoomOptions, 'onPassing'>, logger: Logger): Promise<LogRoom> {
  const onPassing = (err: unknown): void => logger.warn({ err }, 'tried again');
  return openLogRoom({ ...options, onPassing });
}

/** What the log asks of the deployment's keys. */
function secretsOf(keys: DeploymentKeys) {
  return { memberIdKey: keys.memberId, letterSecrets: sealingSecrets(keys), etagKey: keys.etag };
}

/** Of cursors, request states and dead letters: a replaced key still opens what it sealed. */
function sealingSecrets({ cursor, cursorBefore }: DeploymentKeys): Secrets {
  return cursorBefore === undefined ? [cursor] : [cursor, cursorBefore];
}

/** The intake goes on while the log is away, as the flag says. */
function createIntake(
  { flagsFile }: Config,
  intake: Intake,
  stored: Pick<OutboxOptions, 'dataDir' | 'clock' | 'onError'>,
  logger: Logger,
): { flags: Flags; intake: Outbox } {
  const { clock, onError: report } = stored;
  const flags = createFlags({ file: flagsFile, clock, write: replacePrivate, report });
  const outbox = withOutbox(intake, {
    ...stored,
    delivery: flags.eventDelivery,
    onLeft: (held) => logger.warn({ held }, 'stopped while facts wait here for the log'),
  });
  return { flags, intake: outbox };
}

/** The one door, and the positions, floors and states that the surfaces share. */
function createDoor(
  { readWaitMs, redis }: Config,
  keys: DeploymentKeys,
  parts: Pick<ReaderParts, 'view' | 'access' | 'audit' | 'clock' | 'panelOf' | 'onRead'>,
  { log, report }: { log: EventLog; report: Report },
): Door {
  const positions = createPositionCodec(
    keys.position,
    ...(keys.positionBefore ? [keys.positionBefore] : []),
  );
  const secrets = sealingSecrets(keys);
  const { view, clock } = parts;
  const floors = openFloors({ settings: redis, secret: keys.position, log, view, clock, report });
  const rates = openRates({ settings: redis, secret: keys.position, clock, report });
  const reader = createReader({
    ...parts,
    spend: createSpend(rates.of),
    positions,
    floors,
    cursors: createCursorCodec(secrets, clock),
    receipts: createReceipts(clock),
    etagKey: keys.etag,
    readWaitMs,
  });
  return { reader, positions, floors, rates, requestStates: createRequestStates(secrets, clock) };
}

interface Door {
  readonly reader: Reader;
  readonly positions: PositionCodec;
  readonly floors: FloorsService;
  readonly rates: Rates;
  readonly requestStates: RequestStates;
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

/** So that the command line and the bridges find this server; never in production. */
async function announce(
  { dataDir, host, production }: Config,
  { clock, version }: AppParts,
  where: { port: number; url: string; key: string },
): Promise<void> {
  if (production) return;
  const startedAt = new Date(clock.now()).toISOString();
  await writeServerFile(dataDir, { pid: process.pid, host, startedAt, version, ...where });
}

function telling(logger: Logger, onFatal: () => void): (error: Error) => void {
  return (error) => {
    logger.fatal({ err: error }, 'a thread has ended');
    onFatal();
  };
}

type Report = (error: unknown, correlationId?: string) => void;

/** A thread's end goes to the process, everything else to the log. */
function deathsTo(
  onDeath: (error: Error) => void,
  report: Report,
  logger: Logger,
): (error: unknown) => void {
  return (error) => {
    if (error instanceof WorkerDied) onDeath(error);
    else if (error instanceof LogDamaged) logger.fatal({ err: error }, 'the log is damaged');
    else report(error);
  };
}

function releasing(lock: DataLock): (error: unknown) => never {
  return (error) => {
    lock.release();
    throw error;
  };
}

/** What keeps a server of this configuration from starting, of all its parts at once. */
export function startFaultsOf(config: Config, clock: Clock): Promise<readonly StartFault[]> {
  const { kafka, spicedb, redis, oauth, dataDir, production } = config;
  const registry = kafka?.schemaRegistry;
  const setting = 'SCHEMA_REGISTRY_URL';
  return collectStartFaults({
    DATA_DIR: dataDirProbe(dataDir, production),
    ...(kafka && { KAFKA_BROKERS: () => topicFaultsOf(kafka, !production) }),
    ...(registry && { [setting]: httpProbe(setting, registry, '/subjects', clock) }),
    ...(spicedb && { SPICEDB_ENDPOINT: () => spicedbFaults(spicedb) }),
    ...(oauth && { OAUTH_ISSUER: () => issuerFaults(oauth.issuer, clock, clockFaults) }),
    ...(redis && { REDIS_URL: redisProbe(redis, clock) }),
  });
}

/** What is wrong with the embedded log, for who looks at a server rather than starts it. */
export function logFaultsOf({ kafka, dataDir }: Config): readonly StartFault[] {
  if (kafka !== undefined) return [];
  const what = damageOf(join(dataDir, 'log.db'));
  return what === undefined ? [] : [{ part: 'log.db', what: `is damaged: ${what}`, mend: MEND }];
}
