import type { ConfigInput, ConfigProblem, Values } from './collect.ts';
import { Wrong } from './parsers.ts';

/** A SpiceDB of the company's. */
export interface SpicedbSettings {
  /** `host:port` */
  readonly endpoint: string;
  readonly token: string;
  readonly tls: boolean;
  /** PEM. */
  readonly tlsCa?: string;
  readonly prefix?: string;
}

export interface SpicedbEndpoint {
  /** `host:port` */
  readonly address: string;
  /** As the scheme said; where none stood, TLS but on loopback. */
  readonly tls: boolean | undefined;
}

/** `spicedb.example.org:50051`, or with `https://` or `http://` before it. */
export function spicedbEndpoint(text: string): SpicedbEndpoint {
  const [, scheme, address = ''] = /^(?:(https?):\/\/)?([^/@?#\s]+:\d{1,5})$/.exec(text) ?? [];
  const url = URL.parse(`tcp://${address}`);
  if (url === null || url.hostname === '' || url.port === '' || url.host !== address) {
    throw new Wrong('must be host:port of a SpiceDB, such as spicedb.example.org:50051');
  }
  return { address, tls: scheme === undefined ? undefined : scheme === 'https' };
}

/** SpiceDB's rule for what stands before the slash of an object type. */
export function spicedbPrefix(text: string): string {
  if (!/^[a-z][a-z0-9_]{1,62}[a-z0-9]$/.test(text)) {
    throw new Wrong('must be 3 to 64 of a-z, 0-9 and _, such as acme for types like acme/member');
  }
  return text;
}

/** @param problems is added to: a certificate that cannot be read, settings that need each other */
export function spicedbOf(
  values: Values,
  readFile: ConfigInput['readFile'],
  problems: ConfigProblem[],
): SpicedbSettings | undefined {
  const { SPICEDB_ENDPOINT: endpoint, SPICEDB_TOKEN: token } = values;
  const { SPICEDB_TLS_CA: caPath, SPICEDB_PREFIX: prefix } = values;
  const problem = (setting: string, mend: string): void => void problems.push({ setting, mend });
  if (endpoint === undefined) {
    if (problems.some((known) => known.setting.includes('SPICEDB_ENDPOINT'))) return undefined;
    const given = { SPICEDB_TOKEN: token, SPICEDB_TLS_CA: caPath, SPICEDB_PREFIX: prefix };
    for (const [name, value] of Object.entries(given)) {
      if (value !== undefined) problem(name, 'needs SPICEDB_ENDPOINT');
    }
    return undefined;
  }
  if (token === undefined) problem('SPICEDB_TOKEN', 'must be set with SPICEDB_ENDPOINT');
  const { address } = endpoint;
  const tls = endpoint.tls ?? (caPath !== undefined || !isLoopback(address));
  if (!tls && caPath !== undefined) {
    problem('SPICEDB_TLS_CA', 'contradicts the http:// of SPICEDB_ENDPOINT: leave one out');
  }
  if (!tls && values.NODE_ENV === 'production' && !isLoopback(address)) {
    problem('SPICEDB_ENDPOINT', 'must use TLS with NODE_ENV=production');
  }
  const tlsCa = caPath === undefined ? undefined : pemOf(caPath, readFile, problem);
  return {
    endpoint: address,
    token: token ?? '',
    tls,
    ...(tlsCa !== undefined && { tlsCa }),
    ...(prefix !== undefined && { prefix }),
  };
}

function isLoopback(address: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+$/.test(address);
}

function pemOf(
  path: string,
  readFile: ConfigInput['readFile'],
  problem: (setting: string, mend: string) => void,
): string | undefined {
  try {
    const pem = readFile(path);
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  } catch {
    // Told below, with the same mend.
  }
  problem('SPICEDB_TLS_CA', 'must name a readable PEM file with a certificate');
  return undefined;
}
