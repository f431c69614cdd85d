/** A CA of our own with a server's and a client's certificate, for tests of TLS. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Say } from './cache.ts';
import { execute, need } from './programs.ts';

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string;
  /** For 127.0.0.1 and localhost. */
  readonly server: KeyPair;
  readonly client: KeyPair;
}

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** Key and certificate in one file. */
  readonly both: string;
}

const OPENSSL = {
  program: 'openssl',
  debian: 'openssl',
  otherwise: 'install OpenSSL',
};

const NEW_KEY = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export async function makeCertificates(directory: string, say: Say): Promise<Certificates> {
  await need([OPENSSL], say);
  const ca = await make(directory, 'ca', 'Parts CA', ['basicConstraints=critical,CA:TRUE']);
  const issuer = ['-CA', ca.cert, '-CAkey', ca.key];
  const names = ['basicConstraints=CA:FALSE', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  return {
    ca: ca.cert,
    server: await make(directory, 'server', 'localhost', names, issuer),
    client: await make(directory, 'client', 'twin', ['basicConstraints=CA:FALSE'], issuer),
  };
}

async function make(
  directory: string,
  name: string,
  commonName: string,
  extensions: readonly string[],
  issuer: readonly string[] = [],
): Promise<KeyPair> {
  const cert = join(directory, `${name}.crt`);
  const key = join(directory, `${name}.key`);
  const both = join(directory, `${name}.pem`);
  const subject = ['-subj', `/CN=${commonName}`, '-days', '2'];
  const extend = extensions.flatMap((extension) => ['-addext', extension]);
  const out = ['-keyout', key, '-out', cert];
  await execute('openssl', [...NEW_KEY, ...subject, ...extend, ...issuer, ...out]);
  writeFileSync(both, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'), { mode: 0o600 });
  return { cert, key, both };
}
