import type { StreamPlace } from '../../contract/frames.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import type { ChannelLog, GatewayEvent, ReadSince, StreamEntry, StreamName } from '../ports.ts';
import type { RedisLink } from '../redis-link.ts';
import { LOG_BOUNDS, type LogBounds } from './bounds.ts';
import { APPEND, READ, RENEW, TOP } from './scripts.ts';

type Listener = (stream: StreamName, epoch: string, entry: StreamEntry) => void;

export interface RedisLogOptions {
  readonly redis: RedisLink;
  readonly report: (error: unknown) => void;
  readonly bounds?: Partial<LogBounds>;
}

/**
 * The channel log that all instances share. Values hold what events say, so Redis holds health
 * information for as long as `bounds.dataMs`; keys hold our opaque ids alone.
 */
export class RedisLog implements ChannelLog {
  readonly name = 'gateway-log';
  readonly #redis: RedisLink;
  readonly #report: (error: unknown) => void;
  readonly #bounds: LogBounds;
  readonly #bus: string;
  readonly #listeners = new Set<Listener>();
  #stopListening: (() => void) | undefined;

  constructor({ redis, report, bounds }: RedisLogOptions) {
    this.#redis = redis;
    this.#report = report;
    this.#bounds = { ...LOG_BOUNDS, ...bounds };
    this.#bus = `${redis.prefix}:gateway:entries`;
  }

  get degraded(): boolean {
    return !this.#redis.ready;
  }

  /** One channel for all streams: an instance hears of each before it asks, whoever subscribes. */
  start(): Promise<void> {
    this.#stopListening = this.#redis.listen(this.#bus, (message) => this.#heard(message));
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopListening?.();
    return Promise.resolve();
  }

  async append(
    name: StreamName,
    event: GatewayEvent,
    dedup: readonly string[],
  ): Promise<StreamPlace & { readonly duplicate: boolean }> {
    const { log, meta, seen } = this.#keysOf(name);
    const { entriesMax, dataMs, metaMs, dedupMs } = this.#bounds;
    const keys = [log, meta, ...dedup.map((key) => seen + key)];
    const args = [randomId(), JSON.stringify(event), name, this.#bus];
    const bounds = [entriesMax, dataMs, metaMs, dedupMs];
    const answer = await this.#run(APPEND, keys, [...args, ...bounds]);
    const [place, duplicate] = answer as [string, number];
    const [epoch = '', offset = ''] = place.split(' ');
    return { epoch, offset: Number(offset), duplicate: duplicate === 1 };
  }

  async read(name: StreamName, since?: StreamPlace): Promise<ReadSince> {
    const { log, meta } = this.#keysOf(name);
    const { metaMs, replayMax } = this.#bounds;
    const from = since === undefined ? ['', 0] : [since.epoch, since.offset];
    const args = [randomId(), metaMs, ...from, replayMax];
    const answer = (await this.#run(READ, [log, meta], args)) as ReadAnswer;
    const [how, epoch, told, top, entries] = answer;
    const stand = { epoch, offset: Number(told), top: Number(top) };
    if (how !== 'whole') return { recovered: false, reason: how, ...stand };
    return { recovered: true, ...stand, entries: entries.map(entryOf) };
  }

  tops(streams: readonly StreamName[]): Promise<{ epoch: string; top: number }[]> {
    return Promise.all(
      streams.map(async (name) => {
        const { log, meta } = this.#keysOf(name);
        const answer = await this.#run(TOP, [log, meta], [randomId(), this.#bounds.metaMs]);
        const [epoch, top] = answer as [string, string];
        return { epoch, top: Number(top) };
      }),
    );
  }

  async renew(name: StreamName): Promise<void> {
    const { log, meta } = this.#keysOf(name);
    await this.#run(RENEW, [log, meta], []);
  }

  onEntry(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws Fault LOG_UNAVAILABLE */
  async #run(script: string, keys: string[], args: (string | number)[]): Promise<unknown> {
    try {
      return await this.#redis.run(script, keys, args);
    } catch (cause) {
      throw new Fault('LOG_UNAVAILABLE', { cause });
    }
  }

  #keysOf(name: StreamName): { log: string; meta: string; seen: string } {
    const own = `${this.#redis.prefix}:gateway:{${name}}`;
    return { log: `${own}:log`, meta: `${own}:meta`, seen: `${own}:seen:` };
  }

  #heard(message: string): void {
    const [name = '', epoch = '', offset = '', prev = '', json = ''] = split(message, 5);
    try {
      const event = JSON.parse(json) as GatewayEvent;
      const entry = { offset: Number(offset), prev: Number(prev), event };
      for (const listener of this.#listeners) listener(name, epoch, entry);
    } catch (error) {
      this.#report(error);
    }
  }
}

type ReadAnswer = [
  'whole' | 'epoch_changed' | 'trimmed' | 'too_many',
  string,
  string,
  string,
  [string, [string, string, string, string]][],
];

function entryOf([id, [, prev, , json]]: ReadAnswer[4][number]): StreamEntry {
  const offset = Number(id.slice(0, id.indexOf('-')));
  return { offset, prev: Number(prev), event: JSON.parse(json) as GatewayEvent };
}

/** The first `count - 1` lines, and whatever follows. */
function split(message: string, count: number): string[] {
  const parts: string[] = [];
  let from = 0;
  while (parts.length < count - 1) {
    const at = message.indexOf('\n', from);
    if (at < 0) break;
    parts.push(message.slice(from, at));
    from = at + 1;
  }
  return [...parts, message.slice(from)];
}
