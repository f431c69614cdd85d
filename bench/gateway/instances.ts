import { type ChildProcess, fork } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';

export interface InstanceOptions {
  readonly port: number;
  readonly redisUrl: string;
  /** HS256. */
  readonly secret: string;
}

/** Of about a second: tokens that were verified, calls to Redis, both a second. */
export interface Asked {
  readonly tokens: number;
  readonly redis: number;
}

export type InstanceSays = { readonly ready: true } | { readonly second: Asked };

export interface Published {
  readonly channel: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly idempotency_key: string;
}

export interface Instance {
  readonly pid: number;
  /** -9: nothing of it is said to anybody. */
  kill(): Promise<void>;
  /** SIGTERM: closes are spread over time. */
  stop(): Promise<void>;
}

export async function startInstance(
  options: InstanceOptions,
  onSecond: (asked: Asked) => void = () => undefined,
): Promise<Instance> {
  const child = fork(new URL('./instance.ts', import.meta.url), [JSON.stringify(options)]);
  const ready = new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('an instance ended before it was ready')));
    child.on('message', (said: InstanceSays) => {
      if ('second' in said) onSecond(said.second);
      else resolve();
    });
  });
  await ready;
  return { pid: child.pid ?? 0, ...endings(child) };
}

/** How a child process ends, by either way. */
export function endings(child: ChildProcess): Pick<Instance, 'kill' | 'stop'> {
  const exited = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return { kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}

const LIVES_S = 3_600;

/** A token of so many bytes as others': HS256, by hand, since many are made at once. */
export function tokenOf(subject: string, secret: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + LIVES_S;
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: subject, exp })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
