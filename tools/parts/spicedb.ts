/** SpiceDB: one server on loopback, built from its Go module. */

import { connect } from 'node:http2';
import { join } from 'node:path';
import { cached, type Say } from './cache.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { freePort } from './ports.ts';
import { type PostgresPart, startPostgres } from './postgres.ts';
import { inOwnDirectory, launch, type PartProcess } from './process.ts';
import { execute, need } from './programs.ts';

/** As in `../spicedb/go.mod`. */
export const SPICEDB_VERSION = '1.56.2';

export interface SpicedbOptions {
  /** Flags of `spicedb serve`; of two alike the last one counts. */
  readonly flags?: readonly string[];
  readonly tls?: boolean;
  /** In a PostgreSQL beside it; else in memory, and gone with `kill` and `restart`. */
  readonly keeps?: boolean;
}

export interface SpicedbPart extends PartProcess {
  /** `host:port` */
  readonly address: string;
  readonly token: string;
  /** With `tls`. */
  readonly certificates: Certificates | undefined;
  /** With `keeps`: a process of its own, stopped with this one. */
  readonly postgres: PostgresPart | undefined;
  /** Settings of the server. */
  readonly env: Readonly<Record<string, string>>;
}

const GO = {
  program: 'go',
  otherwise: 'SpiceDB is built with Go 1.26 or newer: https://go.dev/dl/',
};
const MODULE = join(import.meta.dirname, '..', 'spicedb');
const TOKEN = 'parts';

/** Answers the path of the program. */
export async function bringSpicedb(say: Say): Promise<string> {
  const directory = await cached(`spicedb-${SPICEDB_VERSION}`, say, async (target) => {
    await need([GO], say);
    say(`building SpiceDB ${SPICEDB_VERSION}: two or three minutes, once`);
    const build = ['build', '-trimpath', '-o', join(target, 'spicedb')];
    const args = ['-n', '10', 'go', ...build, 'github.com/authzed/spicedb/cmd/spicedb'];
    await execute('nice', args, { cwd: MODULE });
  });
  return join(directory, 'spicedb');
}

export async function startSpicedb(options: SpicedbOptions, say: Say): Promise<SpicedbPart> {
  const command = await bringSpicedb(say);
  return await inOwnDirectory('spicedb', (directory) => startIn(directory, command, options, say));
}

async function startIn(
  directory: string,
  command: string,
  options: SpicedbOptions,
  say: Say,
): Promise<SpicedbPart> {
  const certificates = options.tls ? await makeCertificates(directory, say) : undefined;
  const address = `127.0.0.1:${await freePort()}`;
  const postgres = options.keeps ? await startPostgres(say) : undefined;
  const datastore = postgres && storedIn(postgres);
  if (datastore !== undefined)
    await execute(command, ['datastore', 'migrate', 'head', ...datastore]);
  const process = await launch({
    command,
    args: [
      ...flags(address),
      ...(datastore ?? ['--datastore-engine=memory']),
      ...(certificates ? shownBy(certificates) : []),
      ...(options.flags ?? []),
    ],
    directory,
    answers: () => serving(address, certificates),
  });
  const { stop } = process;
  return Object.assign(process, {
    address,
    token: TOKEN,
    certificates,
    postgres,
    async stop() {
      await stop();
      await postgres?.stop();
    },
    env: {
      SPICEDB_ENDPOINT: address,
      SPICEDB_TOKEN: TOKEN,
      ...(certificates && { SPICEDB_TLS_CA: certificates.ca }),
    },
  });
}

function flags(address: string): string[] {
  return [
    'serve',
    `--grpc-addr=${address}`,
    `--grpc-preshared-key=${TOKEN}`,
    '--metrics-enabled=false',
    '--telemetry-endpoint=',
    '--skip-release-check',
    '--log-level=warn',
  ];
}

function storedIn({ url }: PostgresPart): string[] {
  return ['--datastore-engine=postgres', `--datastore-conn-uri=${url}?sslmode=disable`];
}

function shownBy({ server }: Certificates): string[] {
  return [`--grpc-tls-cert-path=${server.cert}`, `--grpc-tls-key-path=${server.key}`];
}

const ANSWER_DEADLINE_MS = 3_000;
/** A length-prefixed HealthCheckResponse whose status is SERVING. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]);

/** grpc.health.v1.Health/Check of the whole server: an empty request. */
async function serving(address: string, certificates: Certificates | undefined): Promise<void> {
  const session = certificates
    ? connect(`https://${address}`, { rejectUnauthorized: false })
    : connect(`http://${address}`);
  try {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      session.once('error', reject);
      const request = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const chunks: Buffer[] = [];
      request.setTimeout(ANSWER_DEADLINE_MS, () => reject(new Error('no answer')));
      request.once('error', reject);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.once('end', () => resolve(Buffer.concat(chunks)));
      request.end(Buffer.alloc(5));
    });
    if (!answer.equals(SERVING)) throw new Error('SpiceDB is not serving yet');
  } finally {
    session.destroy();
  }
}
