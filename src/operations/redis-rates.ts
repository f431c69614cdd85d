import { createHmac } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import { createRate, type Rate, type RateOptions } from '../kernel/rate.ts';
import { connectRedis, type RedisConnection, type RedisSettings } from './redis.ts';

/** A rate that may have to be asked for elsewhere. */
export interface SharedRate {
  take(key: string): boolean | Promise<boolean>;
}

export interface Rates extends Service {
  /** @param name of what is counted: the same on every instance */
  of(name: string, options: RateOptions): SharedRate;
}

export interface RatesOptions {
  /** `undefined`: each instance counts by itself. */
  readonly settings: RedisSettings | undefined;
  /** The same on every instance: keys in Redis tell nobody of whom they are. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
}

/**
 * Takes as many tokens as there are, at most what is wanted. Redis's own clock fills the bucket, so
 * that instances need not agree on the time. KEYS: bucket. ARGV: a second, burst, wanted.
 */
const TAKE = `
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local perSecond, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(held[1]) or burst
local filled = math.max(0, at - (tonumber(held[2]) or at)) * perSecond
tokens = math.min(burst, tokens + filled)
local taken = math.min(math.floor(tokens), tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - taken), 'at', tostring(at))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / perSecond * 1000) + 1000)
return taken`;

/** A share of a second's tokens is fetched at a time: one question for many requests. */
const LEASES_A_SECOND = 20;
/** What was fetched and not used by then is the others' again. */
const LEASE_MS = 1_000;
/** Keys with tokens in hand that are remembered. */
const LEASES_MAX = 20_000;

/** Rates of this instance, or of all that share a Redis. */
export function openRates({ settings, secret, clock, report }: RatesOptions): Rates {
  if (settings === undefined) {
    const nothing = () => Promise.resolve();
    return {
      name: 'rates',
      of: (_, options) => createRate(clock, options),
      start: nothing,
      stop: nothing,
    };
  }
  const redis = connectRedis({ settings, report, lost: 'limits are local, and stricter' });
  return {
    name: 'rates',
    of: (name, options) => new RedisRate({ redis, secret, clock, name }, options),
    start: () => redis.start(),
    stop: () => redis.stop(),
  };
}

interface RedisRateParts {
  readonly redis: Pick<RedisConnection, 'client' | 'prefix'>;
  readonly secret: Uint8Array;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly name: string;
}

type Answer = 'some' | 'none' | 'away';

interface Lease {
  tokens: number;
  readonly untilMs: number;
}

/**
 * One count for all instances. While Redis does not answer, each counts by itself, with a share
 * only: whoever comes to several instances then has less in all, never more.
 */
export class RedisRate implements SharedRate {
  readonly #parts: RedisRateParts;
  readonly #options: RateOptions;
  readonly #alone: Rate;
  readonly #leases = new Map<string, Lease>();
  /** Questions under way: who comes meanwhile waits for the same answer. */
  readonly #asking = new Map<string, Promise<Answer>>();

  constructor(parts: RedisRateParts, options: RateOptions) {
    this.#parts = parts;
    this.#options = options;
    const { perSecond, burst } = options;
    const share = LIMITS.localShareWithoutRedis;
    const alone = { perSecond: perSecond * share, burst: Math.max(1, burst * share) };
    this.#alone = createRate(parts.clock, alone);
  }

  take(key: string): boolean | Promise<boolean> {
    return this.#takeHeld(key) || this.#fetch(key);
  }

  #takeHeld(key: string): boolean {
    const lease = this.#leases.get(key);
    if (lease === undefined || lease.untilMs <= this.#parts.clock.monotonic()) return false;
    if (lease.tokens < 1) return false;
    lease.tokens -= 1;
    return true;
  }

  /** One question at a time for each key; who comes meanwhile has a part of its answer. */
  async #fetch(key: string): Promise<boolean> {
    for (;;) {
      const asking = this.#asking.get(key) ?? this.#ask(key);
      const answer = await asking;
      if (answer === 'away') return this.#alone.take(key);
      if (this.#takeHeld(key)) return true;
      if (answer === 'none') return false;
    }
  }

  #ask(key: string): Promise<Answer> {
    const { clock, redis } = this.#parts;
    const { perSecond, burst } = this.#options;
    const want = Math.max(1, Math.floor(perSecond / LEASES_A_SECOND));
    const asked = redis.client.eval(TAKE, 1, this.#keyOf(key), perSecond, burst, want);
    const asking = asked
      .then((taken): Answer => {
        const tokens = Number(taken);
        if (tokens < 1) return 'none';
        this.#put(key, { tokens, untilMs: clock.monotonic() + LEASE_MS });
        return 'some';
      })
      .catch((): Answer => 'away')
      .finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  #put(key: string, lease: Lease): void {
    const held = this.#leases.get(key);
    const now = this.#parts.clock.monotonic();
    if (held !== undefined && held.untilMs > now) lease.tokens += held.tokens;
    this.#leases.delete(key);
    this.#leases.set(key, lease);
    if (this.#leases.size <= LEASES_MAX) return;
    const [oldest] = this.#leases.keys();
    if (oldest !== undefined) this.#leases.delete(oldest);
  }

  #keyOf(key: string): string {
    const { redis, secret, name } = this.#parts;
    const digest = createHmac('sha256', secret).update(`rate ${name} ${key}`).digest('base64url');
    return `${redis.prefix}:rate:${digest}`;
  }
}
