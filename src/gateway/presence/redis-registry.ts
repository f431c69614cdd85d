import type { RegisteredConnection, Registry, RegistryKey } from '../ports.ts';
import type { RedisLink } from '../redis-link.ts';
import type { Instances } from './instances.ts';
import { UntilDone } from './until-done.ts';

/** An entry lives for a day; whoever is connected for longer is entered again. */
const ENTRY_MS = 24 * 3_600_000;
const AGAIN_MS = 6 * 3_600_000;

const NOW = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
`;

/** KEYS: key. ARGV: entry, ms. What is over goes with it. */
const ADD = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;
const REMOVE = `return redis.call('ZREM', KEYS[1], ARGV[1])`;
const LIST = `${NOW}
return redis.call('ZRANGE', KEYS[1], now, '+inf', 'BYSCORE')
`;
/** KEYS: key. ARGV: what entries of an instance begin with. */
const SWEEP = `
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(entry, 1, #ARGV[1]) == ARGV[1] then redis.call('ZREM', KEYS[1], entry) end
end
return 0
`;
const NOTES = 'registry';

/** `ws:member:{id}` in Redis: which connections, on which instance. */
export class RedisRegistry implements Registry {
  readonly name = 'gateway-registry';
  readonly #redis: RedisLink;
  readonly #instances: Instances;
  readonly #own = new Map<RegistryKey, Set<string>>();
  readonly #steps = new UntilDone();
  #enteredAt = performance.now();

  constructor(redis: RedisLink, instances: Instances) {
    this.#redis = redis;
    this.#instances = instances;
    instances.sweeps(NOTES, (instance, key) =>
      redis.run(SWEEP, [this.#keyOf(key)], [`${instance}/`]).then(() => undefined),
    );
    instances.onAgain(() => this.#enterAll());
    instances.onTurn(async () => {
      await this.#steps.again();
      if (performance.now() - this.#enteredAt > AGAIN_MS) await this.#enterAll();
    });
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#steps.settled();
  }

  add(key: RegistryKey, connection: string): Promise<void> {
    const own = this.#own.get(key);
    this.#own.set(key, (own ?? new Set()).add(connection));
    return this.#steps.run(`${key} ${connection}`, async () => {
      await this.#enter(key, connection);
      if (own === undefined) await this.#instances.note(NOTES, key);
    });
  }

  remove(key: RegistryKey, connection: string): Promise<void> {
    const own = this.#own.get(key);
    own?.delete(connection);
    if (own?.size === 0) this.#own.delete(key);
    return this.#steps.run(`${key} ${connection}`, async () => {
      await this.#redis.run(REMOVE, [this.#keyOf(key)], [`${this.#instances.id}/${connection}`]);
      if (!this.#own.has(key)) await this.#instances.forget(NOTES, key);
    });
  }

  async connections(key: RegistryKey): Promise<readonly RegisteredConnection[]> {
    const [entries, living] = await Promise.all([
      this.#redis.run(LIST, [this.#keyOf(key)], []) as Promise<string[]>,
      this.#instances.living(),
    ]);
    return entries
      .map((entry) => entry.split('/'))
      .map(([instance = '', connection = '']) => ({ instance, connection }))
      .filter(({ instance }) => living.has(instance));
  }

  #keyOf(key: string): string {
    return `${this.#redis.prefix}:ws:${key}`;
  }

  async #enter(key: RegistryKey, connection: string): Promise<void> {
    const entry = `${this.#instances.id}/${connection}`;
    await this.#redis.run(ADD, [this.#keyOf(key)], [entry, ENTRY_MS]);
  }

  async #enterAll(): Promise<void> {
    this.#enteredAt = performance.now();
    for (const [key, own] of this.#own) {
      for (const connection of own) await this.#enter(key, connection);
      await this.#instances.note(NOTES, key);
    }
  }
}
