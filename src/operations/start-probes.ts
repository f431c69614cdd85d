import { mkdir, statfs } from 'node:fs/promises';
import type { Clock } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import { connectRedis, type RedisSettings } from './redis.ts';
import type { StartFault, StartProbe } from './start-faults.ts';

/** File systems that do not outlive the machine or the container (`statfs(2)`, f_type). */
const VOLATILE: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs, which is memory'],
  [0x858458f6, 'ramfs, which is memory'],
  [0x794c7630, 'overlayfs, the layer that goes with its container'],
]);

/**
 * The outbox, the audit and the keys outlive the process only on a volume. What cannot be seen: a
 * disk of the machine's own that goes with it (an `emptyDir`).
 */
export function dataDirProbe(dataDir: string, production: boolean): StartProbe {
  return async () => {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const { type } = await statfs(dataDir);
    const name = VOLATILE.get(type);
    if (name === undefined || !production) return [];
    const mend = 'mount a volume there, or name a directory on one with DATA_DIR';
    return [{ part: 'DATA_DIR', what: `is on ${name}`, mend }];
  };
}

/** Reads are right without Redis, so nothing of it keeps the server from starting. */
export function redisProbe(settings: RedisSettings, clock: Clock): StartProbe {
  return async () => {
    const redis = connectRedis({ settings, report: () => undefined });
    try {
      await redis.start();
      const before = clock.now();
      const [seconds = 0, micros = 0] = (await redis.client.time()).map(Number);
      const theirs = seconds * 1000 + micros / 1000;
      return clockFaults('Redis', theirs, before, clock.now());
    } catch {
      const mend = 'see that it runs and takes our user and password; until then reads wait longer';
      return [{ part: 'REDIS_URL', what: 'does not answer', mend, warning: true }];
    } finally {
      await redis.stop();
    }
  };
}

/** A registry, or whatever else answers over HTTP: its clock is in each answer. */
export function httpProbe(part: string, url: string, path: string, clock: Clock): StartProbe {
  return async () => {
    const { username, password, href } = new URL(url);
    const target = new URL(href);
    [target.username, target.password] = ['', ''];
    target.pathname = `${target.pathname.replace(/\/$/, '')}${path}`;
    const who = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    const headers = username === '' ? {} : { authorization: `Basic ${who.toString('base64')}` };
    const before = clock.now();
    const response = await fetch(target, { headers, redirect: 'error' }).catch(() => undefined);
    if (response === undefined) {
      return [{ part, what: 'does not answer', mend: 'see that the address is right and it runs' }];
    }
    await response.body?.cancel();
    const { status } = response;
    if (status === 401 || status === 403) {
      return [{ part, what: 'refuses our user', mend: 'give it user and password in the URL' }];
    }
    if (!response.ok) {
      return [
        { part, what: `answers ${status}`, mend: 'see that the address is the one of its API' },
      ];
    }
    const date = Date.parse(response.headers.get('date') ?? '');
    // The header has whole seconds: what is within that one is no skew.
    return clockFaults(part, date, before - 1000, clock.now());
  };
}

/** @param theirs what the other said it was, between `before` and `after` of ours, ms */
export function clockFaults(
  other: string,
  theirs: number,
  before: number,
  after: number,
): StartFault[] {
  const bound = LIMITS.clockSkewMaxMs;
  if (!(theirs < before - bound || theirs > after + bound)) return [];
  const byMs = theirs < before ? before - theirs : theirs - after;
  const what = `differs by ${(byMs / 1000).toFixed(1)} s from the one of ${other}`;
  const mend = 'set both by NTP, for instance with chronyc makestep';
  return [{ part: 'clock', what, mend }];
}
