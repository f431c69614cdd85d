import { createHmac } from 'node:crypto';
import type { StreamPlace } from '../../../contract/frames.ts';
import type { Clock } from '../../../kernel/clock.ts';
import type { RedisLink } from '../../redis-link.ts';

/** Up to where a device has acknowledged, by stream. */
export type Places = Readonly<Record<string, StreamPlace>>;

/**
 * Under which a device's place is kept. `near` stands for the same principal and client behind the same
 * address: a device whose session is not known is found by it, for two minutes.
 */
export interface ResumeKeys {
  readonly exact: string;
  readonly near: string;
}

/** Where devices stand, shared by the instances: what a reconnect goes on from (realtime.md §5.3). */
export interface ResumeStore {
  /** What nobody can be asked about now is not known: nothing is replayed then. */
  load(keys: ResumeKeys): Promise<Places | undefined>;
  /** @param open whether the connection is still there */
  save(keys: ResumeKeys, places: Places, open: boolean): Promise<void>;
}

const EXACT_MS = 24 * 3_600_000;
/** A neighbour that closed, and one whose server may be gone. */
const NEAR_CLOSED_MS = 2 * 60_000;
export const NEAR_OPEN_MS = 10 * 60_000;

interface Kept {
  readonly places: Places;
  readonly at: number;
  readonly open: boolean;
}

/** Keys tell nobody of whom they are. */
export function resumeKeys(
  secret: Uint8Array,
  of: { readonly channel: readonly string[]; readonly session: string; readonly near: string },
): ResumeKeys {
  const keyed = (kind: string, by: string): string =>
    createHmac('sha256', secret)
      .update(JSON.stringify(['pusher resume', kind, ...of.channel, by]))
      .digest('base64url');
  return { exact: keyed('exact', of.session), near: keyed('near', of.near) };
}

/** Of several neighbours the one that stands furthest back: rather twice than never. */
function furthestBack(kept: readonly Kept[], now: number): Places | undefined {
  const places: Record<string, StreamPlace> = {};
  for (const one of kept) {
    if (now - one.at > (one.open ? NEAR_OPEN_MS : NEAR_CLOSED_MS)) continue;
    for (const [stream, place] of Object.entries(one.places)) {
      const known = places[stream];
      if (known === undefined || place.offset < known.offset) places[stream] = place;
    }
  }
  return Object.keys(places).length > 0 ? places : undefined;
}

/** Devices of one process that are remembered; then those that were silent for longest are not. */
const DEVICES_MAX = 100_000;

/** In the one process; a start anew loses the streams, and so these. */
export class MemoryResume implements ResumeStore {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #exact = new Map<string, Kept>();
  readonly #near = new Map<string, Map<string, Kept>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  load({ exact, near }: ResumeKeys): Promise<Places | undefined> {
    const now = this.#clock.now();
    const own = this.#exact.get(exact);
    if (own !== undefined && now - own.at < EXACT_MS) return Promise.resolve(own.places);
    const others = this.#near.get(near)?.values() ?? [];
    return Promise.resolve(furthestBack([...others], now));
  }

  save({ exact, near }: ResumeKeys, places: Places, open: boolean): Promise<void> {
    const kept = { places, at: this.#clock.now(), open };
    newest(this.#exact, exact, kept);
    const others = this.#near.get(near) ?? new Map<string, Kept>();
    newest(this.#near, near, others);
    others.delete(exact);
    others.set(exact, kept);
    if (others.size > NEIGHBOURS_MAX) others.delete(others.keys().next().value ?? '');
    return Promise.resolve();
  }
}

function newest<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > DEVICES_MAX) map.delete(map.keys().next().value ?? '');
}

/** Devices of one principal and client behind one address. */
const NEIGHBOURS_MAX = 32;

const SAVE = `redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
const SAVE_NEAR = `redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[4]) then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if field ~= ARGV[1] then redis.call('HDEL', KEYS[1], field) break end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;
const LOAD = `return redis.call('GET', KEYS[1])`;
const LOAD_NEAR = `return redis.call('HVALS', KEYS[1])`;

/** In Redis, for all instances: whoever reconnects need not come back to the same one. */
export class RedisResume implements ResumeStore {
  readonly #redis: RedisLink;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(redis: RedisLink, clock: Pick<Clock, 'now'>) {
    this.#redis = redis;
    this.#clock = clock;
  }

  async load(keys: ResumeKeys): Promise<Places | undefined> {
    const own = await this.#redis.run(LOAD, [this.#exact(keys)], []);
    const kept = keptOf(own);
    if (kept !== undefined) return kept.places;
    const others = await this.#redis.run(LOAD_NEAR, [this.#near(keys)], []);
    const near = Array.isArray(others) ? others.flatMap((one) => keptOf(one) ?? []) : [];
    return furthestBack(near, this.#clock.now());
  }

  async save(keys: ResumeKeys, places: Places, open: boolean): Promise<void> {
    const text = JSON.stringify({ places, at: this.#clock.now(), open } satisfies Kept);
    await Promise.all([
      this.#redis.run(SAVE, [this.#exact(keys)], [text, EXACT_MS]),
      this.#redis.run(
        SAVE_NEAR,
        [this.#near(keys)],
        [keys.exact, text, NEAR_OPEN_MS, NEIGHBOURS_MAX],
      ),
    ]);
  }

  #exact(keys: ResumeKeys): string {
    return `${this.#redis.prefix}:gateway:pusher:resume:${keys.exact}`;
  }

  #near(keys: ResumeKeys): string {
    return `${this.#redis.prefix}:gateway:pusher:near:${keys.near}`;
  }
}

/** Written by us; what is not there, or of a former version, is not known. */
function keptOf(text: unknown): Kept | undefined {
  if (typeof text !== 'string') return undefined;
  const kept = JSON.parse(text) as Kept;
  return typeof kept.at === 'number' ? kept : undefined;
}
