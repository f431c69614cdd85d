import { createHmac } from 'node:crypto';
import type { Clock, Timer } from '../kernel/clock.ts';
import { randomId } from '../kernel/ids.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import { ALONE, type OpenCounts } from '../twin/open-counts.ts';
import { connectRedis, type RedisConnection, type RedisSettings } from './redis.ts';

export interface OpenCountsOptions {
  /** `undefined`: each instance counts by itself. */
  readonly settings: RedisSettings | undefined;
  /** The same on every instance: fields in Redis tell nobody of whom they are. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
}

/** How often instances tell each other: so much may one be ahead of what the others know. */
const TELL_MS = 2_000;
/** What an instance said is forgotten once it has said nothing for this long. */
const ALIVE_MS = 10_000;

/** Streams and the like that are open, of this instance or of all that share a Redis. */
export function openCounts(options: OpenCountsOptions): OpenCounts & Service {
  const { settings, report } = options;
  if (settings === undefined) {
    const nothing = () => Promise.resolve();
    return { ...ALONE, name: 'open-counts', start: nothing, stop: nothing };
  }
  const redis = connectRedis({ settings, report, lost: 'open streams are counted locally' });
  return new RedisCounts(redis, options);
}

/** Each instance says in a hash of its own what is open there, and reads those of the others. */
export class RedisCounts implements OpenCounts, Service {
  readonly name = 'open-counts';
  readonly #redis: RedisConnection;
  readonly #options: Pick<OpenCountsOptions, 'secret' | 'clock'>;
  readonly #instance = randomId();
  readonly #own = new Map<string, number>();
  /** Fields that Redis does not have as they are. */
  readonly #untold = new Set<string>();
  #others = new Map<string, number>();
  #heard = false;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(redis: RedisConnection, options: Pick<OpenCountsOptions, 'secret' | 'clock'>) {
    this.#redis = redis;
    this.#options = options;
    // Another Redis may stand there, or an older one.
    redis.onReconnected(() => {
      for (const field of this.#own.keys()) this.#untold.add(field);
    });
  }

  get share(): number {
    return this.#heard ? 1 : LIMITS.localShareWithoutRedis;
  }

  note(key: string, open: number): void {
    const field = this.#fieldOf(key);
    if (open > 0) this.#own.set(field, open);
    else this.#own.delete(field);
    this.#untold.add(field);
  }

  elsewhere(key: string): number {
    return this.#others.size === 0 ? 0 : (this.#others.get(this.#fieldOf(key)) ?? 0);
  }

  async start(): Promise<void> {
    await this.#redis.start();
    await this.#round();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    const { client } = this.#redis;
    await client.del(this.#hashOf(this.#instance)).catch(() => undefined);
    await this.#redis.stop();
  }

  async #round(): Promise<void> {
    try {
      await this.#tell();
      this.#others = await this.#hear();
      this.#heard = true;
    } catch {
      // The connection reports its outage, once.
      this.#heard = false;
      this.#others = new Map();
    }
    if (!this.#stopped) {
      this.#timer = this.#options.clock.after(TELL_MS, () => void this.#round());
    }
  }

  async #tell(): Promise<void> {
    const { client } = this.#redis;
    const own = this.#hashOf(this.#instance);
    const fields = [...this.#untold];
    const set = fields.filter((field) => this.#own.has(field));
    const gone = fields.filter((field) => !this.#own.has(field));
    const said = Object.fromEntries(set.map((field) => [field, this.#own.get(field) ?? 0]));
    if (set.length > 0) await client.hset(own, said);
    if (gone.length > 0) await client.hdel(own, ...gone);
    for (const field of fields) {
      if (set.includes(field) && this.#own.get(field) !== said[field]) continue;
      this.#untold.delete(field);
    }
    await client.pexpire(own, ALIVE_MS);
    const until = String(this.#options.clock.now() + ALIVE_MS);
    await client.zadd(this.#instances, until, this.#instance);
  }

  async #hear(): Promise<Map<string, number>> {
    const { client } = this.#redis;
    await client.zremrangebyscore(this.#instances, '-inf', `${this.#options.clock.now()}`);
    const others = new Map<string, number>();
    for (const instance of await client.zrangebyscore(this.#instances, '-inf', '+inf')) {
      if (instance === this.#instance) continue;
      for (const [field, open] of Object.entries(await client.hgetall(this.#hashOf(instance)))) {
        others.set(field, (others.get(field) ?? 0) + Number(open));
      }
    }
    return others;
  }

  get #instances(): string {
    return `${this.#redis.prefix}:open`;
  }

  #hashOf(instance: string): string {
    return `${this.#redis.prefix}:open:${instance}`;
  }

  #fieldOf(key: string): string {
    return createHmac('sha256', this.#options.secret).update(`open ${key}`).digest('base64url');
  }
}
