import { isIPv6 } from 'node:net';
import { Wrong } from './parsers.ts';

export const KAFKA_CLIENTS = ['platformatic', 'kafkajs'] as const;
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

export interface KafkaSasl {
  readonly mechanism: (typeof MECHANISMS)[number];
  readonly username: string;
  readonly password: string;
}

/** Paths of PEM files; none for the authorities that the system knows. */
export type TlsFiles = Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>;

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
