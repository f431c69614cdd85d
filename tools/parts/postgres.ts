/** PostgreSQL: where SpiceDB keeps what must survive its end. */

import { chown } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Say } from './cache.ts';
import { freePort } from './ports.ts';
import { inOwnDirectory, launch, type PartProcess } from './process.ts';
import { execute, findProgram, need, type User } from './programs.ts';

export interface PostgresPart extends PartProcess {
  /** `postgres://…` of its one database. */
  readonly url: string;
}

const OTHERWISE = 'install PostgreSQL 13 or newer (Debian: postgresql)';
/** Debian keeps its programs by version, off the path. */
const PLACES = ['/usr/lib/postgresql/*/bin'];
const PROGRAMS = ['initdb', 'postgres'].map((program) => ({
  program,
  debian: 'postgresql',
  otherwise: OTHERWISE,
  places: PLACES,
}));

export async function bringPostgres(say: Say): Promise<void> {
  await need(PROGRAMS, say);
}

export async function startPostgres(say: Say): Promise<PostgresPart> {
  await bringPostgres(say);
  return await inOwnDirectory('postgres', startIn);
}

async function startIn(directory: string): Promise<PostgresPart> {
  const [initdb = '', postgres = ''] = PROGRAMS.map((each) => findProgram(each) ?? '');
  const user = await unprivileged();
  if (user !== undefined) await chown(directory, user.uid, user.gid);
  const data = join(directory, 'data');
  const as = user && { user };
  const make = ['--auth=trust', '--username=twin', '--encoding=UTF8', '--no-locale', '--no-sync'];
  await execute(initdb, [...make, '-D', data], { cwd: directory, ...as });
  const port = await freePort();
  // SpiceDB's Watch reads the times of commits.
  const settings = ['listen_addresses=127.0.0.1', 'track_commit_timestamp=on'];
  const options = settings.flatMap((setting) => ['-c', setting]);
  const process = await launch({
    command: postgres,
    args: ['-D', data, '-p', String(port), '-k', directory, ...options],
    directory,
    answers: () => startup(port),
    ...as,
  });
  return Object.assign(process, { url: `postgres://twin@127.0.0.1:${port}/postgres` });
}

/** PostgreSQL refuses to be root's: then it is its own user's, which the package makes. */
async function unprivileged(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number(await execute('id', [flag, 'postgres']))),
  );
  if (uid === undefined || gid === undefined) throw new Error('there is no user postgres');
  return { uid, gid };
}

const ANSWER_DEADLINE_MS = 3_000;
/** Protocol 3.0, section "Message Formats": a StartupMessage of this user and database. */
const STARTUP = Buffer.from('\0\x03\0\0user\0twin\0database\0postgres\0\0', 'latin1');

/** It answers `R` (authenticated); `E` while it starts or recovers. */
function startup(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(STARTUP.length + length.length);
  return new Promise<void>((resolve, reject) => {
    socket.setTimeout(ANSWER_DEADLINE_MS, () => reject(new Error('no answer')));
    socket.once('error', reject);
    socket.once('connect', () => socket.write(Buffer.concat([length, STARTUP])));
    socket.once('data', (answer) => {
      if (answer[0] === 0x52) resolve();
      else reject(new Error('PostgreSQL is starting'));
    });
  }).finally(() => socket.destroy());
}
