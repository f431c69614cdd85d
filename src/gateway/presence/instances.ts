import type { Clock, Timer } from '../../kernel/clock.ts';
import { randomId } from '../../kernel/ids.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { RedisLink } from '../redis-link.ts';

/** An instance says that it lives; silent for `aliveMs` it counts as dead, and is swept. */
export interface InstanceTimes {
  readonly beatMs: number;
  readonly aliveMs: number;
}

/** With 3 s of grace, whoever was on an instance that was killed is gone within 15 s. */
export const INSTANCE_TIMES: InstanceTimes = { beatMs: 2_000, aliveMs: 8_000 };

/** KEYS: instances. ARGV: instance, alive ms. Answers whether it is new there, and the dead. */
const BEAT = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local fresh = redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {fresh, redis.call('ZRANGE', KEYS[1], '-inf', '(' .. now, 'BYSCORE')}
`;

/** KEYS: instances. ARGV: none. Those that live. */
const LIVING = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
return redis.call('ZRANGE', KEYS[1], now, '+inf', 'BYSCORE')
`;

const GONE = `return redis.call('ZREM', KEYS[1], ARGV[1])`;
const NOTE = `return redis.call('SADD', KEYS[1], ARGV[1]), redis.call('PEXPIRE', KEYS[1], ARGV[2])`;
const FORGET = `return redis.call('SREM', KEYS[1], ARGV[1])`;
const NOTED = `return redis.call('SMEMBERS', KEYS[1])`;
const DELETE = `return redis.call('DEL', KEYS[1])`;

const NOTES_MS = 25 * 3_600_000;

export interface InstancesOptions {
  readonly redis: RedisLink;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
  readonly times?: InstanceTimes;
}

type Sweep = (instance: string, note: string) => Promise<void>;

/**
 * The instances of the gateway, each with a generation of its own: one that starts again is another
 * one. What an instance holds in Redis it notes, so that a survivor can sweep it.
 */
export class Instances implements Service {
  readonly name = 'gateway-instances';
  readonly id = randomId();
  readonly #options: InstancesOptions;
  readonly #times: InstanceTimes;
  readonly #sweeps = new Map<string, Sweep>();
  readonly #again = new Set<() => Promise<void>>();
  readonly #turns = new Set<() => Promise<void>>();
  #timer: Timer | undefined;
  #known = false;
  #stopped = false;

  constructor(options: InstancesOptions) {
    this.#options = options;
    this.#times = options.times ?? INSTANCE_TIMES;
  }

  async start(): Promise<void> {
    await this.#beat();
  }

  /** It is swept like one that died: what it could not take back goes then. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    return Promise.resolve();
  }

  get #key(): string {
    return `${this.#options.redis.prefix}:gateway:instances`;
  }

  #notesOf(instance: string, kind: string): string {
    return `${this.#options.redis.prefix}:gateway:of:${instance}:${kind}`;
  }

  /** What a dead instance has noted of this kind is given to `sweep`, one by one. */
  sweeps(kind: string, sweep: Sweep): void {
    this.#sweeps.set(kind, sweep);
  }

  /** Called where the others may have swept this one, or Redis has lost what was there. */
  onAgain(listener: () => Promise<void>): void {
    this.#again.add(listener);
  }

  /** Called with each beat. */
  onTurn(listener: () => Promise<void>): void {
    this.#turns.add(listener);
  }

  async note(kind: string, what: string): Promise<void> {
    await this.#options.redis.run(NOTE, [this.#notesOf(this.id, kind)], [what, NOTES_MS]);
  }

  async forget(kind: string, what: string): Promise<void> {
    await this.#options.redis.run(FORGET, [this.#notesOf(this.id, kind)], [what]);
  }

  async living(): Promise<ReadonlySet<string>> {
    return new Set((await this.#options.redis.run(LIVING, [this.#key], [])) as string[]);
  }

  async #beat(): Promise<void> {
    try {
      const { redis } = this.#options;
      const answer = await redis.run(BEAT, [this.#key], [this.id, this.#times.aliveMs]);
      const [fresh, dead] = answer as [number, string[]];
      if (fresh === 1 && this.#known) for (const listener of this.#again) await listener();
      this.#known = true;
      for (const instance of dead) await this.#sweep(instance);
      for (const listener of this.#turns) await listener();
    } catch (error) {
      if (this.#options.redis.ready) this.#options.report(error);
    }
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(this.#times.beatMs, () => void this.#beat());
  }

  /** Each step may be done by several survivors: only one of them has an effect. */
  async #sweep(instance: string): Promise<void> {
    const { redis } = this.#options;
    for (const [kind, sweep] of this.#sweeps) {
      const notes = this.#notesOf(instance, kind);
      for (const what of (await redis.run(NOTED, [notes], [])) as string[]) {
        await sweep(instance, what);
      }
      await redis.run(DELETE, [notes], []);
    }
    await redis.run(GONE, [this.#key], [instance]);
  }
}
