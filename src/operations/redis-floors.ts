import type { Clock } from '../kernel/clock.ts';
import { randomId } from '../kernel/ids.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Place } from '../twin/ports.ts';
import type { FloorStore } from '../twin/shared-floors.ts';
import type { RedisConnection } from './redis.ts';

export interface RedisFloorsOptions {
  readonly redis: RedisConnection;
  readonly clock: Clock;
  /** A floor of another log means nothing. */
  readonly epoch: () => string;
  /** How long a floor stands, and how long after a loss nobody trusts that there is none, ms. */
  readonly ttlMs?: number;
}

/** Keys of one group lie in one slot of a cluster, so that a node that lost its data is seen. */
const GROUPS = 16;

/**
 * A floor only rises. KEYS: floor. ARGV: offset, value, milliseconds to live.
 * The partition of a key never changes, so offsets alone are compared.
 */
const RAISE = `
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, ':(%d+)$')) >= tonumber(ARGV[1]) then
  return redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])`;

/**
 * Floors in Redis. It may lose them: by FLUSHALL, by a restart, by a failover to a replica that lags.
 * So each group of keys has a mark, and a mark that is gone or another one says that floors were
 * lost; so does a connection that was made anew. For as long as a floor would have stood, the
 * answer is then `unknown`. An instance that could not raise one changes the mark once it can, so
 * that the others know.
 */
export function createRedisFloors(options: RedisFloorsOptions): FloorStore {
  return new RedisFloors(options);
}

class RedisFloors implements FloorStore {
  readonly #options: RedisFloorsOptions;
  readonly #ttlMs: number;
  readonly #marks = new Map<string, string>();
  /** Groups in which a floor could not be raised, and nobody has been told so. */
  readonly #untold = new Set<string>();
  #doubtUntil = Number.NEGATIVE_INFINITY;

  constructor(options: RedisFloorsOptions) {
    this.#options = options;
    this.#ttlMs = options.ttlMs ?? LIMITS.floorTtlMs;
    options.redis.onReconnected(() => {
      this.#doubt();
      void this.#tellLosses();
    });
  }

  async raise(key: string, { partition, offset }: Place): Promise<void> {
    const { client } = this.#options.redis;
    const { floor, mark } = this.#keysOf(key);
    const value = `${partition}:${offset}`;
    try {
      await client.eval(RAISE, 1, floor, offset, value, this.#ttlMs);
      await this.#tellLosses();
    } catch {
      this.#untold.add(mark);
    }
  }

  async of(key: string): Promise<Place | 'unknown' | undefined> {
    const { client } = this.#options.redis;
    const { floor, mark } = this.#keysOf(key);
    try {
      const [held, marked] = await client.mget(floor, mark);
      await this.#compareMark(mark, marked ?? undefined);
      if (this.#options.clock.monotonic() < this.#doubtUntil) return 'unknown';
      return placeOf(held ?? undefined);
    } catch {
      return 'unknown';
    }
  }

  #keysOf(key: string): { floor: string; mark: string } {
    const { redis, epoch } = this.#options;
    const group = (Buffer.from(key, 'base64url')[0] ?? 0) % GROUPS;
    const slot = `${redis.prefix}:{floors-${group}}`;
    return { floor: `${slot}:${epoch()}:${key}`, mark: `${slot}:mark` };
  }

  async #compareMark(mark: string, found: string | undefined): Promise<void> {
    const known = this.#marks.get(mark);
    if (found !== undefined && (known === undefined || known === found)) {
      this.#marks.set(mark, found);
      return;
    }
    this.#doubt();
    if (found !== undefined) this.#marks.set(mark, found);
    else await this.#setMark(mark, 'new');
  }

  /** A new one does not take the place of somebody else's, which is then read the next time. */
  async #setMark(mark: string, how: 'new' | 'other'): Promise<void> {
    const fresh = randomId();
    const { client } = this.#options.redis;
    const taken = await (how === 'new' ? client.set(mark, fresh, 'NX') : client.set(mark, fresh));
    if (taken === null) this.#marks.delete(mark);
    else this.#marks.set(mark, fresh);
  }

  async #tellLosses(): Promise<void> {
    for (const mark of this.#untold) {
      try {
        await this.#setMark(mark, 'other');
        this.#untold.delete(mark);
      } catch {
        return;
      }
    }
  }

  #doubt(): void {
    this.#doubtUntil = this.#options.clock.monotonic() + this.#ttlMs;
  }
}

/** Whatever is no floor of ours is a loss as well. */
function placeOf(text: string | undefined): Place | 'unknown' | undefined {
  if (text === undefined) return undefined;
  const { partition, offset } =
    /^(?<partition>\d{1,6}):(?<offset>\d{1,15})$/.exec(text)?.groups ?? {};
  if (partition === undefined || offset === undefined) return 'unknown';
  return { partition: Number(partition), offset: Number(offset) };
}
