import { posix, win32 } from 'node:path';
import { LIMITS } from '../kernel/limits.ts';
import { type AuditSettings, auditOf } from './audit.ts';
import {
  type Collected,
  type ConfigInput,
  type ConfigProblem,
  collect,
  type Origin,
  type Values,
} from './collect.ts';
import { type EligibilitySettings, eligibilityOf } from './eligibility.ts';
import { type KafkaSettings, kafkaOf } from './kafka.ts';
import { type OAuthSettings, oauthOf } from './oauth.ts';
import { isLoopbackWebhook, type PusherAppSettings } from './pusher.ts';
import { leadsBack, type PusherBridge } from './pusher-parsers.ts';
import { REDIS_PREFIX, type RedisSettings } from './redis.ts';
import { DEFAULT_ROLES, EMBEDDED_ROLES, type Role, type SettingName } from './settings.ts';
import { type SpicedbSettings, spicedbOf } from './spicedb.ts';

export interface Config {
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  /** A named port that is taken is an error; otherwise the next free one is taken. */
  readonly portNamed: boolean;
  /** Several processes of one machine listen on the named port. */
  readonly reusePort: boolean;
  /** `undefined`: decided once the port is known, see `publicUrlOf`. */
  readonly publicUrl: string | undefined;
  /** Absolute. */
  readonly dataDir: string;
  readonly demo: boolean;
  /** The fixtures of the MCP conformance suite; never in production. */
  readonly conformance: boolean;
  readonly logLevel: NonNullable<Values['LOG_LEVEL']>;
  readonly memberIds: 'patient-id' | 'opaque';
  readonly roles: readonly Role[];
  readonly readWaitMs: number;
  /** Of one principal on this instance. */
  readonly requestsPerSecond: number;
  readonly allowedOrigins: readonly string[];
  /** 0 never. */
  readonly idleExitMs: number;
  /** Embedded parts named for production. */
  readonly embedded: readonly ('log' | 'spicedb')[];
  /** `undefined`: the embedded log. */
  readonly kafka: KafkaSettings | undefined;
  /** `undefined`: the embedded one. */
  readonly spicedb: SpicedbSettings | undefined;
  /** `undefined`: the issuer for development. */
  readonly oauth: OAuthSettings | undefined;
  /** Client metadata documents of this machine; never in production. */
  readonly loopbackClients: boolean;
  /** Kinds of login that break the glass; `undefined`: as the issuer of tokens suggests. */
  readonly breakGlassAcr: readonly string[] | undefined;
  /** `undefined`: floors are of this instance alone. */
  readonly redis: RedisSettings | undefined;
  /** Pusher, while members move from it; `undefined`: nothing goes there. */
  readonly pusherBridge: PusherBridge | undefined;
  /** Of the Pusher face; `undefined` in development: one for the demo. */
  readonly pusherApps: readonly PusherAppSettings[] | undefined;
  /** `undefined`: this installation asks no clearinghouse. */
  readonly eligibility: EligibilitySettings | undefined;
  /** Absolute; made where it is not there. */
  readonly keysFile: string;
  /** What proves the audit from outside. */
  readonly audit: AuditSettings;
  /** Absolute; need not be there. */
  readonly flagsFile: string;
  /** Absolute; need not be there. */
  readonly snapshotDir: string;
  /** Where sealed backups are, absolute; both of these or none. */
  readonly backupDir: string | undefined;
  /** 32 bytes in base64url. */
  readonly backupKey: string | undefined;
  /** Access token of the command line. */
  readonly token: string | undefined;
  /** Where each setting came from; those left out are defaults. */
  readonly origins: Readonly<Partial<Record<SettingName, Origin>>>;
}

/** Every problem of the configuration at once. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ setting, mend }) => `  ${setting} ${mend}`);
    super(`The configuration has ${problems.length} fault(s):\n${lines.join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** @throws ConfigError with every problem. */
export function loadConfig(input: ConfigInput): Config {
  const collected = collect(input);
  const problems = [...collected.problems, ...conflicts(collected.values)];
  const kafka = kafkaOf(collected.values, input.readFile, problems);
  const spicedb = spicedbOf(collected.values, input.readFile, problems);
  const oauth = oauthOf(collected.values, input, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze({ ...withDefaults(input, collected), kafka, spicedb, oauth });
}

/** The origin that clients use, and the start of the audience of their tokens. */
export function publicUrlOf(config: Pick<Config, 'publicUrl'>, port: number): string {
  return config.publicUrl ?? `http://localhost:${port}`;
}

/** What each setting allows, and all of them together do not. */
function conflicts(values: Values): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { ROLES: roles, NODE_ENV: mode, EMBEDDED: embedded = [] } = values;
  if (roles !== undefined) problems.push(...roleProblems(roles));
  if (values.REUSE_PORT === 'on' && (values.PORT ?? 0) === 0) {
    problems.push({ setting: 'REUSE_PORT', mend: 'needs PORT to name the port that is shared' });
  }
  if (leadsBack(values)) {
    const mend = 'must be another server than this one: each event would come back for ever';
    problems.push({ setting: 'PUSHER_BRIDGE_URL', mend });
  }
  if (mode !== 'production') return problems;
  for (const part of ['log', 'spicedb'] as const) {
    if (embedded.includes(part)) continue;
    if (part === 'log' && values.KAFKA_BROKERS !== undefined) continue;
    if (part === 'spicedb' && values.SPICEDB_ENDPOINT !== undefined) continue;
    const mend = `must name ${part}: with NODE_ENV=production the embedded one runs only if named`;
    problems.push({ setting: 'EMBEDDED', mend });
  }
  if (values.DEMO === 'on') {
    problems.push({ setting: 'DEMO', mend: 'must be off with NODE_ENV=production' });
  }
  if (values.OAUTH_LOOPBACK_CLIENTS === 'on') {
    const mend = 'must be off with NODE_ENV=production';
    problems.push({ setting: 'OAUTH_LOOPBACK_CLIENTS', mend });
  }
  if (values.PUSHER_APPS?.some(({ webhooks }) => webhooks.some(isLoopbackWebhook))) {
    const mend = 'must name webhooks of public hosts alone with NODE_ENV=production';
    problems.push({ setting: 'PUSHER_APPS', mend });
  }
  if (values.CONFORMANCE === 'on') {
    problems.push({ setting: 'CONFORMANCE', mend: 'must be off with NODE_ENV=production' });
  }
  if (values.PUBLIC_URL?.startsWith('https:') !== true) {
    problems.push({ setting: 'PUBLIC_URL', mend: 'must be https: with NODE_ENV=production' });
  }
  return problems;
}

function roleProblems(roles: readonly Role[]): ConfigProblem[] {
  const absent = roles.filter((role) => !DEFAULT_ROLES.includes(role));
  const missing = EMBEDDED_ROLES.filter((role) => !roles.includes(role));
  const problems: ConfigProblem[] = [];
  if (absent.length > 0) {
    const mend = `names ${absent.join(', ')}, not in this version: leave it out`;
    problems.push({ setting: 'ROLES', mend });
  }
  if (missing.length > 0) {
    const mend = `must also name ${missing.join(', ')}: embedded parts run in one process`;
    problems.push({ setting: 'ROLES', mend });
  }
  return problems;
}

function withDefaults(
  input: ConfigInput,
  { values, origins }: Collected,
): Omit<Config, 'kafka' | 'spicedb' | 'oauth'> {
  const production = values.NODE_ENV === 'production';
  const { resolve, join } = input.platform === 'win32' ? win32 : posix;
  const dataDir = resolve(input.cwd, values.DATA_DIR ?? defaultDataDir(input));
  const { REDIS_URL: redis, REDIS_PREFIX: prefix = REDIS_PREFIX } = values;
  return {
    production,
    host: values.HOST ?? '127.0.0.1',
    port: values.PORT ?? 3333,
    portNamed: values.PORT !== undefined,
    reusePort: values.REUSE_PORT === 'on',
    publicUrl: values.PUBLIC_URL,
    dataDir,
    demo: (values.DEMO ?? (production ? 'off' : 'on')) === 'on',
    conformance: values.CONFORMANCE === 'on' && !production,
    loopbackClients: values.OAUTH_LOOPBACK_CLIENTS === 'on' && !production,
    logLevel: values.LOG_LEVEL ?? 'info',
    memberIds: values.MEMBER_IDS ?? (production ? 'opaque' : 'patient-id'),
    roles: values.ROLES ?? DEFAULT_ROLES,
    readWaitMs: values.READ_WAIT_MS ?? LIMITS.readWaitMs,
    requestsPerSecond: values.REQUESTS_PER_SECOND ?? LIMITS.requestsPerSecond,
    allowedOrigins: values.ALLOWED_ORIGINS ?? [],
    idleExitMs: (values.IDLE_EXIT_SECONDS ?? 0) * 1000,
    embedded: values.EMBEDDED ?? [],
    redis: redis === undefined ? undefined : { ...redis, prefix },
    pusherBridge: values.PUSHER_BRIDGE_URL,
    pusherApps: values.PUSHER_APPS,
    eligibility: eligibilityOf(values, (path) => resolve(input.cwd, path)),
    keysFile: resolve(input.cwd, values.KEYS_FILE ?? join(dataDir, 'keys.json')),
    audit: auditOf(values, (path) => resolve(input.cwd, path)),
    flagsFile: resolve(input.cwd, values.FLAGS_FILE ?? join(dataDir, 'flags.json')),
    snapshotDir: resolve(input.cwd, values.SNAPSHOT_DIR ?? join(dataDir, 'snapshots')),
    backupDir: values.BACKUP_DIR && resolve(input.cwd, values.BACKUP_DIR),
    backupKey: values.BACKUP_KEY,
    breakGlassAcr: values.BREAK_GLASS_ACR,
    token: values.DIGITAL_TWIN_TOKEN,
    origins,
  };
}

/** `data` in the checkout; from the package, where the platform keeps a user's data. */
function defaultDataDir({ checkout, platform, home, env }: ConfigInput): string {
  if (checkout !== undefined) return posix.join(checkout, 'data');
  if (platform === 'win32') {
    return win32.join(env.LOCALAPPDATA ?? win32.join(home, 'AppData', 'Local'), 'digital-twin');
  }
  if (platform === 'darwin') return posix.join(home, 'Library/Application Support/digital-twin');
  // XDG Base Directory: a relative path is to be ignored.
  const xdg = env.XDG_DATA_HOME ?? '';
  return posix.join(posix.isAbsolute(xdg) ? xdg : posix.join(home, '.local/share'), 'digital-twin');
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
