/** Redis: one server on loopback, the one of Debian or whichever the machine has. */

import { connect } from 'node:net';
import type { Say } from './cache.ts';
import { freePort } from './ports.ts';
import { inOwnDirectory, launch, type PartProcess } from './process.ts';
import { need } from './programs.ts';

export interface RedisOptions {
  /** Arguments of `redis-server`, such as `--maxmemory 1mb`. */
  readonly args?: readonly string[];
}

/** Each write is on disk before it is acknowledged (AOF, fsync always). */
export interface RedisPart extends PartProcess {
  /** `host:port` */
  readonly address: string;
  /** Settings of the server. */
  readonly env: Readonly<Record<string, string>>;
}

const REDIS = {
  program: 'redis-server',
  debian: 'redis-server',
  otherwise: 'install Redis 6 or newer (Debian: redis-server)',
};

export async function bringRedis(say: Say): Promise<void> {
  await need([REDIS], say);
}

export async function startRedis(options: RedisOptions, say: Say): Promise<RedisPart> {
  await bringRedis(say);
  return await inOwnDirectory('redis', (directory) => startIn(directory, options));
}

async function startIn(directory: string, options: RedisOptions): Promise<RedisPart> {
  const port = await freePort();
  const keep = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
  const process = await launch({
    command: 'redis-server',
    args: [...where, ...keep, '--loglevel', 'warning', ...(options.args ?? [])],
    directory,
    answers: () => pong(port),
  });
  const address = `127.0.0.1:${port}`;
  return Object.assign(process, { address, env: { REDIS_URL: `redis://${address}` } });
}

const ANSWER_DEADLINE_MS = 3_000;

/** While it loads its data it answers with an error; asked for a password, it is up as well. */
function pong(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  return new Promise<void>((resolve, reject) => {
    socket.setTimeout(ANSWER_DEADLINE_MS, () => reject(new Error('no answer')));
    socket.once('error', reject);
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (answer) => {
      if (/^(\+PONG|-NOAUTH)/.test(String(answer))) resolve();
      else reject(new Error('Redis is loading its data'));
    });
  }).finally(() => socket.destroy());
}
