import type { Config } from './config.ts';
import { eligibilityShown } from './eligibility.ts';
import { redisShown } from './redis.ts';
import { SETTING_NAMES, SETTINGS, type SettingName } from './settings.ts';

export interface DescribedSetting {
  readonly name: SettingName;
  readonly value: string;
  readonly from: 'default' | 'argument' | 'environment' | 'file';
  readonly says: string;
}

/** For `config print`: every setting in force, where it came from; secrets are never shown. */
export function describeConfig(config: Config): DescribedSetting[] {
  return SETTING_NAMES.map((name) => ({
    name,
    value: 'secret' in SETTINGS[name] ? hidden(config, name) : shown(config, name),
    from: config.origins[name] ?? 'default',
    says: SETTINGS[name].says,
  }));
}

function hidden({ origins, redis }: Config, name: SettingName): string {
  if (name === 'REDIS_URL' && redis !== undefined) return redisShown(redis);
  return origins[name] === undefined ? '' : '(set, not shown)';
}

function shown(config: Config, name: SettingName): string {
  switch (name) {
    case 'PORT':
      return `${config.port}${config.portNamed ? '' : ' or the next free one'}`;
    case 'HOST':
      return config.host;
    case 'PUBLIC_URL':
      return config.publicUrl ?? 'http://localhost:{PORT}';
    case 'DATA_DIR':
      return config.dataDir;
    case 'DEMO':
    case 'OAUTH_LOOPBACK_CLIENTS':
    case 'CONFORMANCE':
    case 'REUSE_PORT':
      return switchShown(config, name);
    case 'LOG_LEVEL':
      return config.logLevel;
    case 'MEMBER_IDS':
      return config.memberIds;
    case 'ROLES':
    case 'READ_WAIT_MS':
    case 'REQUESTS_PER_SECOND':
    case 'ALLOWED_ORIGINS':
    case 'IDLE_EXIT_SECONDS':
    case 'EMBEDDED':
      return runningShown(config)[name];
    case 'NODE_ENV':
      return config.production ? 'production' : 'development';
    case 'KAFKA_BROKERS':
    case 'KAFKA_CLIENT':
    case 'KAFKA_TLS':
    case 'KAFKA_TOPIC_PREFIX':
    case 'KAFKA_GROUP_PREFIX':
      return kafkaShown(config)[name];
    case 'SPICEDB_ENDPOINT':
    case 'SPICEDB_TLS_CA':
    case 'SPICEDB_PREFIX':
      return spicedbShown(config)[name];
    case 'OAUTH_ISSUER':
    case 'OAUTH_AUDIENCE':
    case 'OAUTH_PROFILE':
    case 'OAUTH_CLAIMS':
    case 'OAUTH_SCOPE_PREFIX':
    case 'OAUTH_PAGES_CLIENT_ID':
      return oauthShown(config)[name];
    case 'CLEARINGHOUSE_URL':
    case 'CLEARINGHOUSE_TIMEOUT_MS':
    case 'ELIGIBILITY_SLOTS':
    case 'ELIGIBILITY_NPI':
    case 'ELIGIBILITY_PROVIDER':
    case 'PAYERS_FILE':
      return eligibilityShown(config)[name];
    case 'REDIS_PREFIX':
    case 'BREAK_GLASS_ACR':
    case 'AUDIT_WITNESS':
    case 'AUDIT_CHECKPOINT_SECONDS':
    case 'BACKUP_DIR':
    case 'FLAGS_FILE':
    case 'KEYS_FILE':
    case 'SNAPSHOT_DIR':
      return othersShown(config)[name];
    case 'REDIS_URL':
    case 'STEDI_API_KEY':
    case 'PUSHER_BRIDGE_URL':
    case 'PUSHER_APPS':
    case 'KAFKA_SASL':
    case 'SCHEMA_REGISTRY_URL':
    case 'SPICEDB_TOKEN':
    case 'BACKUP_KEY':
    case 'DIGITAL_TWIN_TOKEN':
      return '';
  }
}

function runningShown(config: Config) {
  return {
    ROLES: config.roles.join(','),
    READ_WAIT_MS: String(config.readWaitMs),
    REQUESTS_PER_SECOND: String(config.requestsPerSecond),
    ALLOWED_ORIGINS: config.allowedOrigins.join(','),
    IDLE_EXIT_SECONDS: String(config.idleExitMs / 1000),
    EMBEDDED: config.embedded.join(','),
  };
}

type Switch = 'DEMO' | 'OAUTH_LOOPBACK_CLIENTS' | 'CONFORMANCE' | 'REUSE_PORT';

function switchShown(config: Config, name: Switch): string {
  const { demo, loopbackClients, conformance, reusePort } = config;
  const states = {
    ...{ DEMO: demo, OAUTH_LOOPBACK_CLIENTS: loopbackClients },
    ...{ CONFORMANCE: conformance, REUSE_PORT: reusePort },
  };
  return states[name] ? 'on' : 'off';
}

function othersShown({ audit: { witness, checkpointMs }, ...config }: Config) {
  const none = 'none: that rows were cut off cannot be proven';
  return {
    AUDIT_WITNESS: witness === undefined ? none : 'url' in witness ? witness.url : witness.path,
    AUDIT_CHECKPOINT_SECONDS: String(checkpointMs / 1000),
    BACKUP_DIR: config.backupDir ?? '',
    BREAK_GLASS_ACR: config.breakGlassAcr?.join(' ') ?? '',
    REDIS_PREFIX: config.redis?.prefix ?? '',
    FLAGS_FILE: config.flagsFile,
    KEYS_FILE: config.keysFile,
    SNAPSHOT_DIR: config.snapshotDir,
  };
}

function kafkaShown(config: Config) {
  const { kafka } = config;
  return {
    KAFKA_BROKERS: kafka?.brokers.join(',') ?? 'the embedded log',
    KAFKA_CLIENT: kafka?.client ?? '',
    KAFKA_TLS: tlsShown(config),
    KAFKA_TOPIC_PREFIX: kafka?.topicPrefix ?? '',
    KAFKA_GROUP_PREFIX: kafka?.groupPrefix ?? '',
  };
}

function tlsShown({ kafka }: Config): string {
  if (kafka?.tls === undefined) return kafka === undefined ? '' : 'off';
  return ['on', ...Object.keys(kafka.tls).map((name) => `${name} (read)`)].join(', ');
}

function oauthShown({ oauth, publicUrl }: Config) {
  const names = Object.entries(oauth?.claims ?? {});
  return {
    OAUTH_ISSUER: oauth?.issuer ?? 'the one for development',
    OAUTH_AUDIENCE: oauth?.audience ?? `${publicUrl ?? 'http://localhost:{PORT}'}/mcp`,
    OAUTH_PROFILE: oauth?.profile ?? '',
    OAUTH_CLAIMS: names.map(([ours, theirs]) => `${ours}=${theirs}`).join(','),
    OAUTH_SCOPE_PREFIX: oauth?.scopePrefix ?? '',
    OAUTH_PAGES_CLIENT_ID: oauth?.pagesClientId ?? '',
  };
}

function spicedbShown({ spicedb }: Config) {
  const tls = spicedb?.tls === true ? 'with' : 'without';
  return {
    SPICEDB_ENDPOINT: spicedb === undefined ? 'the embedded one' : `${spicedb.endpoint} ${tls} TLS`,
    SPICEDB_TLS_CA: spicedb?.tlsCa === undefined ? '' : '(read)',
    SPICEDB_PREFIX: spicedb?.prefix ?? '',
  };
}
