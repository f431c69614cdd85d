import { Wrong } from './parsers.ts';

/** Where a Redis is, and who we are there. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  /** Name of the master that the sentinels watch. */
  readonly master?: string;
}

export interface RedisSettings extends RedisTarget {
  /** Before each of our keys. */
  readonly prefix: string;
}

export const REDIS_PREFIX = 'digital-twin';

const SHAPE =
  /^redis(?<tls>s)?(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<who>[^@/]*)@)?(?<hosts>[^@/]+)(?:\/(?<path>[^?#]*))?$/;
const HOST =
  /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[A-Za-z0-9][A-Za-z0-9.-]{0,252}))(?::(?<port>\d{1,5}))?$/;
const PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;
const FORMS =
  'must be redis://[user:password@]host[:port][/db], redis+sentinel://host,host/master[/db] or ' +
  'redis+cluster://host,host; rediss instead of redis for TLS';

/**
 * `redis://`, `redis+sentinel://` and `redis+cluster://`, each also with `rediss`. Sentinels are asked
 * with the same user and TLS as what they watch.
 * @throws Wrong; it never repeats the URL, which may hold a password
 */
export function redisUrl(text: string): RedisTarget {
  const { tls, kind: named, who, hosts = '', path = '' } = SHAPE.exec(text)?.groups ?? {};
  const kind = named === 'sentinel' || named === 'cluster' ? named : 'single';
  const nodes = hosts.split(',').map((one) => nodeOf(one, PORTS[kind]));
  if (kind === 'single' && nodes.length > 1) throw new Wrong(FORMS);
  const [first = '', ...rest] = path.split('/');
  const [db = '', ...more] = kind === 'sentinel' ? rest : [first, ...rest];
  const isDb = /^\d{0,3}$/.test(db) && (kind !== 'cluster' || db === '');
  if (!isDb || more.length > 0) throw new Wrong(FORMS);
  if (kind === 'sentinel' && !/^[\w.-]{1,128}$/.test(first)) throw new Wrong(FORMS);
  return {
    ...{ kind, nodes, tls: tls === 's', db: Number(db) },
    ...identityOf(who),
    ...(kind === 'sentinel' && { master: first }),
  };
}

function nodeOf(text: string, otherwise: number): { host: string; port: number } {
  const { v6, name, port: given } = HOST.exec(text)?.groups ?? {};
  const host = v6 ?? name;
  const port = Number(given ?? otherwise);
  if (host === undefined || port < 1 || port > 65_535) throw new Wrong(FORMS);
  return { host, port };
}

function identityOf(who: string | undefined): { username?: string; password?: string } {
  if (who === undefined || who === '') return {};
  const [user = '', password] = who.split(/:(.*)/s);
  try {
    return {
      ...(user !== '' && { username: decodeURIComponent(user) }),
      ...(password !== undefined && { password: decodeURIComponent(password) }),
    };
  } catch {
    throw new Wrong(FORMS);
  }
}

export function redisPrefix(text: string): string {
  if (/^[A-Za-z0-9._:-]{1,64}$/.test(text)) return text;
  throw new Wrong('must be 1 to 64 letters, digits, dots, underscores, colons or hyphens');
}

/** What `config print` shows of it: never who we are. */
export function redisShown({ kind, nodes, tls, master, db }: RedisTarget): string {
  const scheme = `redis${tls ? 's' : ''}${kind === 'single' ? '' : `+${kind}`}`;
  const hosts = nodes.map(({ host, port }) => `${host}:${port}`).join(',');
  const path = [...(master === undefined ? [] : [master]), ...(db === 0 ? [] : [db])];
  return [`${scheme}://${hosts}`, ...path].join('/');
}
