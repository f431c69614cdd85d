import type { ConfigInput, ConfigProblem, Values } from './collect.ts';

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
