import type { ConfigInput, ConfigProblem, Values } from './collect.ts';
import type { KAFKA_CLIENTS, KafkaSasl, TlsFiles } from './kafka-parsers.ts';

/** A Kafka of the company's. */
export interface KafkaSettings {
  /** `host:port`, several. */
  readonly brokers: readonly string[];
  readonly client: (typeof KAFKA_CLIENTS)[number];
  /** PEM; empty where the authorities that the system knows suffice. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: KafkaSasl;
  /** Before the name of every topic. */
  readonly topicPrefix: string;
  /** Before the name of every consumer group and transactional id. */
  readonly groupPrefix: string;
  /** With its user and password; absent where ids of our own stand in the frames. */
  readonly schemaRegistry?: string;
}

/** @param problems is added to: a file that cannot be read, settings that need each other */
export function kafkaOf(
  values: Values,
  readFile: ConfigInput['readFile'],
  problems: ConfigProblem[],
): KafkaSettings | undefined {
  const { KAFKA_BROKERS: brokers, KAFKA_CLIENT: client, KAFKA_SASL: sasl } = values;
  const { KAFKA_TOPIC_PREFIX: topicPrefix, KAFKA_GROUP_PREFIX: groupPrefix } = values;
  const { KAFKA_TLS: tlsGiven, NODE_ENV: mode, SCHEMA_REGISTRY_URL: schemaRegistry } = values;
  if (brokers === undefined) {
    problems.push(...withoutBrokers(values, problems));
    return undefined;
  }
  if (mode === 'production' && schemaRegistry?.startsWith('https:') === false) {
    const mend = 'must be https: with NODE_ENV=production';
    problems.push({ setting: 'SCHEMA_REGISTRY_URL', mend });
  }
  const tls = tlsGiven === 'off' ? undefined : tlsGiven;
  if (mode === 'production' && sasl !== undefined && tls === undefined) {
    const mend =
      'must come with KAFKA_TLS with NODE_ENV=production: the password would be readable';
    problems.push({ setting: 'KAFKA_SASL', mend });
  }
  return {
    brokers,
    client: client ?? 'platformatic',
    ...(tls !== undefined && { tls: pemsOf(tls, readFile, problems) }),
    ...(sasl !== undefined && { sasl }),
    topicPrefix: topicPrefix ?? '',
    groupPrefix: groupPrefix ?? '',
    ...(schemaRegistry !== undefined && { schemaRegistry }),
  };
}

/** Nothing that is named is ignored. */
function withoutBrokers(values: Values, problems: readonly ConfigProblem[]): ConfigProblem[] {
  if (problems.some(({ setting }) => setting.includes('KAFKA_BROKERS'))) return [];
  const others = [
    'KAFKA_CLIENT',
    'KAFKA_TLS',
    'KAFKA_SASL',
    'KAFKA_TOPIC_PREFIX',
    'KAFKA_GROUP_PREFIX',
    'SCHEMA_REGISTRY_URL',
  ] as const;
  return others
    .filter((name) => values[name] !== undefined)
    .map((setting) => ({ setting, mend: 'needs KAFKA_BROKERS' }));
}

function pemsOf(
  files: TlsFiles,
  readFile: ConfigInput['readFile'],
  problems: ConfigProblem[],
): NonNullable<KafkaSettings['tls']> {
  const pems: Record<string, string> = {};
  for (const [name, path] of Object.entries(files)) {
    try {
      pems[name] = readFile(path);
    } catch {
      pems[name] = '';
    }
    if (pems[name].includes('-----BEGIN ')) continue;
    problems.push({ setting: 'KAFKA_TLS', mend: `must name a readable PEM file as ${name}` });
  }
  return pems;
}
