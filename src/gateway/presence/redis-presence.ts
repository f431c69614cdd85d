import { Fault } from '../../kernel/errors.ts';
import type { Presence, PresenceChange, PresentUser } from '../ports.ts';
import type { RedisLink } from '../redis-link.ts';
import type { Instances } from './instances.ts';
import { GRACE_MS } from './memory-presence.ts';
import { UntilDone } from './until-done.ts';

/** A channel that nobody touches is forgotten, whatever was left in it. */
const CHANNEL_MS = 24 * 3_600_000;
const NOTES = 'presence';

/**
 * KEYS of a channel: users (id to info), connections (to user id), leaving (user id by when), all in
 * one slot. One change is told once, by whoever made it: the step that takes a user away is one.
 */
const PARTS = `
local users, connections, leaving = KEYS[1], KEYS[2], KEYS[3]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function has(user)
  for _, held in ipairs(redis.call('HVALS', connections)) do
    if held == user then return true end
  end
  return false
end
local function left(user, due)
  if not has(user) then redis.call('ZADD', leaving, 'NX', due, user) end
end
local function keep(ms)
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ms) end
end
`;

/** ARGV: connection, user id, user, most, bus, channel, keep ms. */
const JOIN = `${PARTS}
local isNew = redis.call('HEXISTS', users, ARGV[2]) == 0
if isNew and redis.call('HLEN', users) >= tonumber(ARGV[4]) then return {'full', {}} end
redis.call('HSET', connections, ARGV[1], ARGV[2])
redis.call('ZREM', leaving, ARGV[2])
if isNew then
  redis.call('HSET', users, ARGV[2], ARGV[3])
  redis.call('PUBLISH', ARGV[5], ARGV[6] .. '\\nmember_added\\n' .. ARGV[3])
end
keep(ARGV[7])
return {'there', redis.call('HVALS', users)}
`;

/** ARGV: connection, grace ms. */
const LEAVE = `${PARTS}
local user = redis.call('HGET', connections, ARGV[1])
if not user then return 0 end
redis.call('HDEL', connections, ARGV[1])
left(user, now + ARGV[2])
return 1
`;

/** ARGV: what the connections of a dead instance begin with, grace ms. */
const SWEEP = `${PARTS}
local held = redis.call('HGETALL', connections)
for index = 1, #held, 2 do
  if string.sub(held[index], 1, #ARGV[1]) == ARGV[1] then
    redis.call('HDEL', connections, held[index])
    left(held[index + 1], now + ARGV[2])
  end
end
return 0
`;

/** ARGV: bus, channel. Those whose grace is over; answers how many are still leaving. */
const SETTLE = `${PARTS}
for _, user in ipairs(redis.call('ZRANGE', leaving, '-inf', now, 'BYSCORE')) do
  redis.call('ZREM', leaving, user)
  local info = redis.call('HGET', users, user)
  if info and not has(user) then
    redis.call('HDEL', users, user)
    redis.call('PUBLISH', ARGV[1], ARGV[2] .. '\\nmember_removed\\n' .. info)
  end
end
return redis.call('ZCARD', leaving)
`;

const USERS = `return redis.call('HVALS', KEYS[1])`;
/** Channels that somebody is leaving: whoever survives settles them. */
const DUE_ADD = `return redis.call('SADD', KEYS[1], ARGV[1])`;
const DUE_ALL = `return redis.call('SMEMBERS', KEYS[1])`;
const DUE_GONE = `return redis.call('SREM', KEYS[1], ARGV[1])`;

export interface RedisPresenceOptions {
  readonly redis: RedisLink;
  readonly instances: Instances;
  readonly report: (error: unknown) => void;
  readonly graceMs?: number;
}

interface Own {
  readonly channel: string;
  readonly user: PresentUser;
  readonly connection: string;
}

/** Presence over all instances. */
export class RedisPresence implements Presence {
  readonly name = 'gateway-presence';
  readonly #redis: RedisLink;
  readonly #instances: Instances;
  readonly #report: (error: unknown) => void;
  readonly #graceMs: number;
  readonly #listeners = new Set<(change: PresenceChange) => void>();
  /** What is joined here, by channel and connection: entered again where Redis lost it. */
  readonly #own = new Map<string, Own>();
  readonly #perChannel = new Map<string, number>();
  readonly #steps = new UntilDone();
  #stop: (() => void) | undefined;

  constructor({ redis, instances, report, graceMs = GRACE_MS }: RedisPresenceOptions) {
    this.#redis = redis;
    this.#instances = instances;
    this.#report = report;
    this.#graceMs = graceMs;
    instances.sweeps(NOTES, (instance, channel) => this.#sweep(instance, channel));
    instances.onAgain(() => this.#joinAll());
    instances.onTurn(async () => {
      await this.#steps.again();
      await this.#settle();
    });
  }

  start(): Promise<void> {
    this.#stop = this.#redis.listen(this.#bus, (message) => this.#heard(message));
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stop?.();
    return this.#steps.settled();
  }

  async join(
    channel: string,
    user: PresentUser,
    connection: string,
    usersMax: number,
  ): Promise<readonly PresentUser[]> {
    const key = `${channel} ${connection}`;
    this.#steps.forget(key);
    const there = await this.#enter({ channel, user, connection }, usersMax);
    if (!this.#own.has(key)) {
      const count = this.#perChannel.get(channel) ?? 0;
      this.#perChannel.set(channel, count + 1);
      if (count === 0) await this.#instances.note(NOTES, channel);
    }
    this.#own.set(key, { channel, user, connection });
    return there;
  }

  async #enter({ channel, user, connection }: Own, usersMax: number): Promise<PresentUser[]> {
    const field = `${this.#instances.id}/${connection}`;
    const args = [field, user.id, JSON.stringify(user), usersMax, this.#bus, channel, CHANNEL_MS];
    const answer = await this.#redis.run(JOIN, this.#keysOf(channel), args);
    const [how, users] = answer as [string, string[]];
    if (how === 'full') throw new Fault('RATE_LIMITED', { detail: 'Too many are present.' });
    return users.map((text) => JSON.parse(text) as PresentUser);
  }

  leave(channel: string, connection: string): Promise<void> {
    const key = `${channel} ${connection}`;
    const count = (this.#perChannel.get(channel) ?? 0) - (this.#own.delete(key) ? 1 : 0);
    if (count > 0) this.#perChannel.set(channel, count);
    else this.#perChannel.delete(channel);
    return this.#steps.run(key, async () => {
      const args = [`${this.#instances.id}/${connection}`, this.#graceMs];
      await this.#redis.run(LEAVE, this.#keysOf(channel), args);
      await this.#redis.run(DUE_ADD, [this.#due], [channel]);
      if (!this.#perChannel.has(channel)) await this.#instances.forget(NOTES, channel);
    });
  }

  async users(channel: string): Promise<readonly PresentUser[]> {
    const [users = ''] = this.#keysOf(channel);
    const all = (await this.#redis.run(USERS, [users], [])) as string[];
    return all.map((text) => JSON.parse(text) as PresentUser);
  }

  onChange(listener: (change: PresenceChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get #bus(): string {
    return `${this.#redis.prefix}:gateway:presence`;
  }

  get #due(): string {
    return `${this.#redis.prefix}:gateway:presence-due`;
  }

  #keysOf(channel: string): string[] {
    const own = `${this.#redis.prefix}:gateway:{present:${channel}}`;
    return [`${own}:users`, `${own}:connections`, `${own}:leaving`];
  }

  #heard(message: string): void {
    const [channel = '', kind, json = ''] = message.split('\n');
    if (kind !== 'member_added' && kind !== 'member_removed') return;
    try {
      const change = { channel, kind, user: JSON.parse(json) as PresentUser } as const;
      for (const listener of this.#listeners) listener(change);
    } catch (error) {
      this.#report(error);
    }
  }

  async #settle(): Promise<void> {
    const due = (await this.#redis.run(DUE_ALL, [this.#due], [])) as string[];
    for (const channel of due) {
      const args = [this.#bus, channel];
      const settle = () => this.#redis.run(SETTLE, this.#keysOf(channel), args);
      if ((await settle()) !== 0) continue;
      await this.#redis.run(DUE_GONE, [this.#due], [channel]);
      // Somebody may have begun to leave in between.
      if ((await settle()) !== 0) await this.#redis.run(DUE_ADD, [this.#due], [channel]);
    }
  }

  async #sweep(instance: string, channel: string): Promise<void> {
    await this.#redis.run(SWEEP, this.#keysOf(channel), [`${instance}/`, this.#graceMs]);
    await this.#redis.run(DUE_ADD, [this.#due], [channel]);
  }

  async #joinAll(): Promise<void> {
    for (const own of [...this.#own.values()]) {
      await this.#enter(own, Number.MAX_SAFE_INTEGER);
      await this.#instances.note(NOTES, own.channel);
    }
  }
}
