import { isIPv6 } from 'node:net';
import type { ConfigInput, ConfigProblem, Values } from './collect.ts';
import { Wrong } from './parsers.ts';

export const KAFKA_CLIENTS = ['platformatic', 'kafkajs'] as const;
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

export interface KafkaSasl {
  readonly mechanism: (typeof MECHANISMS)[number];
  readonly username: string;
  readonly password: string;
}

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

/** Paths of PEM files; none for the authorities that the system knows. */
type TlsFiles = Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>;

/** `kafka-1.example.org:9092,kafka-2.example.org:9092` */
export function kafkaBrokers(text: string): readonly string[] {
  const brokers = text.split(',').map((one) => one.trim());
  if (brokers.every(isBroker) && new Set(brokers).size === brokers.length) return brokers;
  throw new Wrong('must be host:port, several parted by commas, such as kafka.example.org:9092');
}

function isBroker(text: string): boolean {
  const { v6, name, port } =
    /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[A-Za-z0-9][A-Za-z0-9.-]{0,252})):(?<port>\d{1,5})$/.exec(
      text,
    )?.groups ?? {};
  const host = v6 === undefined ? name !== undefined : isIPv6(v6);
  return host && Number(port) >= 1 && Number(port) <= 65_535;
}

/** `on`, or files: `ca=/etc/ca.pem,cert=/etc/client.pem,key=/etc/client.key`. */
export function kafkaTls(text: string): TlsFiles | 'off' {
  if (text === 'off') return 'off';
  if (text === 'on') return {};
  const files: Partial<Record<string, string>> = {};
  for (const part of text.split(',')) {
    const [, name = '', path = ''] = /^(ca|cert|key)=(.+)$/.exec(part.trim()) ?? [];
    if (name === '' || files[name] !== undefined) throw new Wrong(TLS_FORM);
    files[name] = path;
  }
  if ((files.cert === undefined) !== (files.key === undefined)) throw new Wrong(TLS_FORM);
  return files;
}

const TLS_FORM = 'must be on, off, or files as ca=PATH, and cert=PATH,key=PATH to show who we are';

/** `SCRAM-SHA-512:user:password`; the password may hold colons. */
export function kafkaSasl(text: string): KafkaSasl {
  const [, named, username = '', password = ''] = /^([^:]+):([^:]+):(.+)$/s.exec(text) ?? [];
  const mechanism = MECHANISMS.find((known) => known === named);
  if (mechanism !== undefined) return { mechanism, username, password };
  throw new Wrong(`must be MECHANISM:user:password, with one of ${MECHANISMS.join(', ')}`);
}

/** Kafka's rule for names, with room for what follows the prefix. */
export function kafkaPrefix(text: string): string {
  if (/^[A-Za-z0-9._-]{1,100}$/.test(text)) return text;
  throw new Wrong('must be 1 to 100 letters, digits, dots, underscores or hyphens, such as acme.');
}

/** `https://user:password@registry.example.org/path`; without a query, which no path could follow. */
export function schemaRegistryUrl(text: string): string {
  const url = URL.parse(text);
  const web = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (web && text.length <= 2_048 && !/[\s?#]|%(?![0-9A-Fa-f]{2})/.test(text)) return text;
  throw new Wrong('must be http:// or https://[user:password@]host[:port][/path]');
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
