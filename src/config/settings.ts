import { OAUTH_PROFILES } from '../contract/tokens.ts';
import { LIMITS } from '../kernel/limits.ts';
import { auditWitness } from './audit-parsers.ts';
import { clearinghouseUrl, npi } from './eligibility-parsers.ts';
import {
  KAFKA_CLIENTS,
  kafkaBrokers,
  kafkaPrefix,
  kafkaSasl,
  kafkaTls,
  schemaRegistryUrl,
} from './kafka-parsers.ts';
import {
  loginKinds,
  oauthAudience,
  oauthClaims,
  oauthClientId,
  oauthIssuer,
  oauthScopePrefix,
} from './oauth-parsers.ts';
import {
  backupKey,
  host,
  listOf,
  oneOf,
  origin,
  origins,
  type Parse,
  text,
  whole,
} from './parsers.ts';
import { pusherApps } from './pusher.ts';
import { pusherBridgeUrl } from './pusher-parsers.ts';
import { REDIS_PREFIX, redisPrefix, redisUrl } from './redis.ts';
import { spicedbEndpoint, spicedbPrefix } from './spicedb-parsers.ts';

export const ROLES = [
  'http',
  'mcp',
  'intake',
  'relations-writer',
  'gateway',
  'eligibility',
  'sessions',
  'warming',
  'console',
] as const;
export type Role = (typeof ROLES)[number];

/** The roles of the embedded all-in-one: together, or not at all. */
export const EMBEDDED_ROLES: readonly Role[] = ['http', 'mcp', 'intake', 'relations-writer'];
/** Those that a process may be without. */
export const OPTIONAL_ROLES: readonly Role[] = ['gateway', 'eligibility'];
export const DEFAULT_ROLES: readonly Role[] = [...EMBEDDED_ROLES, ...OPTIONAL_ROLES];

export interface Setting<T> {
  readonly parse: Parse<T>;
  /** One sentence for `--help` and `config print`. */
  readonly says: string;
  /** Never printed; may also come from the file that `NAME_FILE` names. */
  readonly secret?: true;
}

const setting = <T>(parse: Parse<T>, says: string): Setting<T> => ({ parse, says });
const secret = <T>(parse: Parse<T>, says: string): Setting<T> => ({ parse, says, secret: true });

/** Every setting of this version, by its name in the environment (contract "Settings"). */
export const SETTINGS = {
  PORT: setting(whole(0, 65_535), 'Port to listen on; 3333 or the next free one. 0: any free one.'),
  REUSE_PORT: setting(
    oneOf('on', 'off'),
    'Share the named port with other processes of this machine, which the kernel spreads (Linux); off.',
  ),
  HOST: setting(host, 'Address to listen on; 127.0.0.1.'),
  PUBLIC_URL: setting(origin, 'Origin under which clients reach the server; part of the audience.'),
  DATA_DIR: setting(text(4_096), 'Directory of the log, the view, the audit and the keys.'),
  KEYS_FILE: setting(
    text(4_096),
    'Keys of the deployment, the same file for all its instances; keys.json in DATA_DIR.',
  ),
  DEMO: setting(oneOf('on', 'off'), 'Demo members; on outside production.'),
  CONFORMANCE: setting(
    oneOf('on', 'off'),
    'Also serve what the MCP conformance suite asks for; never in production; off.',
  ),
  LOG_LEVEL: setting(
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'What is logged to stderr; info.',
  ),
  MEMBER_IDS: setting(
    oneOf('patient-id', 'opaque'),
    'Member ids: Patient.id, or a keyed hash of it (always in production).',
  ),
  ROLES: setting(listOf(...ROLES), `Parts that run; ${DEFAULT_ROLES.join(',')}.`),
  READ_WAIT_MS: setting(
    whole(0, 60_000),
    `How long a read waits for the position it names; ${LIMITS.readWaitMs}.`,
  ),
  REQUESTS_PER_SECOND: setting(
    whole(1, 1_000_000),
    `Requests a second of one principal, five times that at once; ${LIMITS.requestsPerSecond}.`,
  ),
  ALLOWED_ORIGINS: setting(origins, 'Origins of web pages that may call the server.'),
  IDLE_EXIT_SECONDS: setting(
    whole(0, 86_400),
    'Stop this long after the last client has gone; 0 never. Set by the stdio bridge.',
  ),
  EMBEDDED: setting(listOf('log', 'spicedb'), 'Embedded parts that may run in production.'),
  NODE_ENV: setting(
    oneOf('development', 'test', 'production'),
    'production runs nothing embedded or for development unless named.',
  ),
  KAFKA_BROKERS: setting(
    kafkaBrokers,
    'host:port of a Kafka of your own, several by commas; else the embedded log.',
  ),
  KAFKA_CLIENT: setting(
    oneOf(...KAFKA_CLIENTS),
    'Library that speaks to it: platformatic, or kafkajs.',
  ),
  KAFKA_TLS: setting(
    kafkaTls,
    'on, off, or PEM files: ca=PATH, and cert=PATH,key=PATH to show who we are; off.',
  ),
  KAFKA_SASL: secret(
    kafkaSasl,
    'MECHANISM:user:password for it; PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.',
  ),
  KAFKA_TOPIC_PREFIX: setting(kafkaPrefix, 'Before the name of each topic.'),
  KAFKA_GROUP_PREFIX: setting(
    kafkaPrefix,
    'Before the name of each consumer group and transactional id.',
  ),
  SCHEMA_REGISTRY_URL: secret(
    schemaRegistryUrl,
    'Registry of the schemas on it: https://user:password@registry.example.org; else ids of our own.',
  ),
  SPICEDB_ENDPOINT: setting(
    spicedbEndpoint,
    'host:port of a SpiceDB of your own, with TLS but on loopback (or as http://, https:// says).',
  ),
  SPICEDB_TOKEN: secret(text(4_096), 'Preshared key of that SpiceDB.'),
  SPICEDB_TLS_CA: setting(
    text(4_096),
    'PEM file of the authority of its certificate; those the system knows.',
  ),
  SPICEDB_PREFIX: setting(
    spicedbPrefix,
    'Before our object types where others share the SpiceDB: acme for acme/member.',
  ),
  REDIS_URL: secret(
    redisUrl,
    'Redis that instances share floors by: redis(s)://, redis+sentinel:// or redis+cluster://.',
  ),
  REDIS_PREFIX: setting(redisPrefix, `Before each of our keys in Redis; ${REDIS_PREFIX}.`),
  PUSHER_BRIDGE_URL: secret(
    pusherBridgeUrl,
    'Pusher that events go to as well while members move: https://key:secret@api-eu.pusher.com/apps/id.',
  ),
  STEDI_API_KEY: secret(
    text(200),
    'Key of the clearinghouse; without it, outside production, a simulator answers checks.',
  ),
  CLEARINGHOUSE_URL: setting(
    clearinghouseUrl,
    'One address in place of the clearinghouse’s own: of a simulator that runs elsewhere.',
  ),
  CLEARINGHOUSE_TIMEOUT_MS: setting(
    whole(200, 95_000),
    'After so long it has answered or given up; 95000. Less only where time is compressed.',
  ),
  ELIGIBILITY_SLOTS: setting(
    whole(1, 1_000),
    'Calls that the account may have open at the clearinghouse at once; 15.',
  ),
  ELIGIBILITY_NPI: setting(npi, 'Provider who asks, where a request names none.'),
  ELIGIBILITY_PROVIDER: setting(text(60), 'Name of that provider’s organization.'),
  PAYERS_FILE: setting(text(4_096), 'List of payers in place of resources/payers.json.'),
  OAUTH_ISSUER: setting(
    oauthIssuer,
    'Issuer of access tokens of your own, by https; else the one for development.',
  ),
  OAUTH_AUDIENCE: setting(
    oauthAudience,
    'The one audience that its tokens must name; PUBLIC_URL and /mcp.',
  ),
  OAUTH_PROFILE: setting(
    oneOf(...OAUTH_PROFILES),
    `How it makes tokens: ${OAUTH_PROFILES.join(', ')}; rfc9068.`,
  ),
  OAUTH_CLAIMS: setting(
    oauthClaims,
    'Claims that it names otherwise: tenant=org,purpose_of_use=purpose.',
  ),
  OAUTH_SCOPE_PREFIX: setting(
    oauthScopePrefix,
    'Before each scope that clients are told to ask it for: api://twin/ for Entra.',
  ),
  OAUTH_PAGES_CLIENT_ID: setting(
    oauthClientId,
    'Public client at it by which people log in to the page /me/agents.',
  ),
  OAUTH_LOOPBACK_CLIENTS: setting(
    oneOf('on', 'off'),
    'Development: clients whose metadata document is at https://localhost:PORT; off.',
  ),
  BREAK_GLASS_ACR: setting(
    loginKinds,
    'Kinds of login (acr) that break the glass, with spaces; else any that is recent (development: a code).',
  ),
  PUSHER_APPS: secret(
    pusherApps,
    'Apps of the Pusher face, as JSON: [{"id","key","secret","tenant","webhooks"}]; development: one for demo.',
  ),
  SNAPSHOT_DIR: setting(
    text(4_096),
    'Directory of copies of the view: made on demand, and what an instance without one starts from.',
  ),
  AUDIT_WITNESS: setting(
    auditWitness,
    'Where signed checkpoints of the audit go: a directory on another volume, or an https: URL (C2SP tlog-witness).',
  ),
  AUDIT_CHECKPOINT_SECONDS: setting(
    whole(1, 3_600),
    'How often they go there, while something new is written; 60.',
  ),
  BACKUP_DIR: setting(text(4_096), 'Directory of sealed backups; none are made without it.'),
  BACKUP_KEY: secret(
    backupKey,
    'What seals and opens them: 32 random bytes in base64url; keep it apart from them.',
  ),
  FLAGS_FILE: setting(text(4_096), 'JSON file of flags, read again when it changes.'),
  DIGITAL_TWIN_TOKEN: secret(text(LIMITS.tokenCharsMax), 'Access token of the command line.'),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** `DATA_DIR` to `data-dir`, the name of its flag. */
export function flagOf(name: SettingName): string {
  return name.toLowerCase().replaceAll('_', '-');
}
