import type { RedisLink } from '../redis-link.ts';
import { CALL_KEPT_MS, type CallStates, callKey, type LastOfCall } from './states.ts';

/** KEYS: the call. ARGV: when it was said, what, how long it is kept. */
const NOTE = `
local at = redis.call('HGET', KEYS[1], 'at')
if at and tonumber(at) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'at', ARGV[1], 'last', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`;
const LAST = `return redis.call('HGET', KEYS[1], 'last')`;

/** Calls that all instances share: an app asks whichever it reaches. */
export class RedisCallStates implements CallStates {
  readonly #redis: RedisLink;

  constructor(redis: RedisLink) {
    this.#redis = redis;
  }

  async note(last: LastOfCall): Promise<void> {
    const args = [Date.parse(last.at), JSON.stringify(last), CALL_KEPT_MS];
    await this.#redis.run(NOTE, [this.#key(last.tenant, last.id)], args);
  }

  async last(tenant: string, id: string): Promise<LastOfCall | undefined> {
    const text = await this.#redis.run(LAST, [this.#key(tenant, id)], []);
    return typeof text === 'string' ? (JSON.parse(text) as LastOfCall) : undefined;
  }

  #key(tenant: string, id: string): string {
    return `${this.#redis.prefix}:gateway:call:${callKey(tenant, id)}`;
  }
}
