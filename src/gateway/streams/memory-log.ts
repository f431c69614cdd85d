import type { StreamPlace } from '../../contract/frames.ts';
import type { Clock } from '../../kernel/clock.ts';
import { randomId } from '../../kernel/ids.ts';
import type { ChannelLog, GatewayEvent, ReadSince, StreamEntry, StreamName } from '../ports.ts';
import { LOG_BOUNDS, type LogBounds } from './bounds.ts';

/** Streams and remembered keys of one process; past that the oldest go, and are said to be lost. */
const STREAMS_MAX = 100_000;
const DEDUP_MAX = 200_000;
/** Streams whose time is over are looked for at most so often. */
const SWEEP_MS = 60_000;

interface Stream {
  readonly epoch: string;
  /** Offset of the newest entry. */
  top: number;
  /** The greatest offset that anybody was told: what comes is after it. */
  told: number;
  entries: StreamEntry[];
  usedAt: number;
}

type Listener = (stream: StreamName, epoch: string, entry: StreamEntry) => void;

export interface MemoryLogOptions {
  readonly clock: Clock;
  readonly bounds?: Partial<LogBounds>;
}

/** The channel log of one process, without Redis. It is lost with the process, and its epochs say so. */
export class MemoryLog implements ChannelLog {
  readonly name = 'gateway-log';
  readonly degraded = false;
  readonly #clock: Clock;
  readonly #bounds: LogBounds;
  readonly #streams = new Map<StreamName, Stream>();
  readonly #seen = new Map<string, StreamPlace & { readonly at: number }>();
  readonly #listeners = new Set<Listener>();
  #sweptAt: number;

  constructor({ clock, bounds }: MemoryLogOptions) {
    this.#clock = clock;
    this.#bounds = { ...LOG_BOUNDS, ...bounds };
    this.#sweptAt = clock.monotonic();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  append(
    name: StreamName,
    event: GatewayEvent,
    dedup: readonly string[],
  ): Promise<StreamPlace & { readonly duplicate: boolean }> {
    const keys = dedup.map((key) => `${name} ${key}`);
    const known = keys.map((key) => this.#known(key)).find((place) => place !== undefined);
    if (known !== undefined) {
      return Promise.resolve({ epoch: known.epoch, offset: known.offset, duplicate: true });
    }
    const stream = this.#streamOf(name);
    const { epoch, top: prev } = stream;
    const offset = Math.max(this.#now(), prev + 1, stream.told + 1);
    const entry = { offset, prev, event };
    stream.top = offset;
    stream.entries.push(entry);
    if (stream.entries.length > this.#bounds.entriesMax) stream.entries.shift();
    for (const key of keys) this.#remember(key, { epoch, offset });
    for (const listener of this.#listeners) listener(name, epoch, entry);
    return Promise.resolve({ epoch, offset, duplicate: false });
  }

  read(name: StreamName, since?: StreamPlace): Promise<ReadSince> {
    const stream = this.#streamOf(name);
    const { epoch, top, told: before } = stream;
    stream.told = Math.max(this.#now(), top, before);
    const stand = { epoch, offset: stream.told, top };
    if (since === undefined) return Promise.resolve({ recovered: true, ...stand, entries: [] });
    const lost = (reason: 'epoch_changed' | 'trimmed' | 'too_many') =>
      Promise.resolve({ recovered: false, reason, ...stand } as const);
    if (since.epoch !== epoch || since.offset > Math.max(before, top)) return lost('epoch_changed');
    const entries = stream.entries.filter(({ offset }) => offset > since.offset);
    const [first] = entries;
    if (since.offset < top && (first === undefined || first.prev > since.offset)) {
      return lost('trimmed');
    }
    if (entries.length > this.#bounds.replayMax) return lost('too_many');
    return Promise.resolve({ recovered: true, ...stand, entries });
  }

  tops(streams: readonly StreamName[]): Promise<{ epoch: string; top: number }[]> {
    return Promise.resolve(
      streams.map((name) => {
        const { epoch, top } = this.#streamOf(name);
        return { epoch, top };
      }),
    );
  }

  renew(name: StreamName): Promise<void> {
    this.#streams.delete(name);
    return Promise.resolve();
  }

  onEntry(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Microseconds, so that offsets compare with those of Redis. */
  #now(): number {
    return Math.floor(this.#clock.now() * 1_000);
  }

  /** Put at the end of the map, so that the one that was used longest ago is its first. */
  #streamOf(name: StreamName): Stream {
    this.#sweep();
    const now = this.#clock.monotonic();
    const known = this.#streams.get(name);
    this.#streams.delete(name);
    const stream = known ?? { epoch: randomId(), top: 0, told: 0, entries: [], usedAt: now };
    if (now - stream.usedAt > this.#bounds.dataMs) stream.entries = [];
    stream.usedAt = now;
    this.#streams.set(name, stream);
    if (this.#streams.size > STREAMS_MAX) dropFirst(this.#streams);
    return stream;
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    for (const [name, stream] of this.#streams) {
      if (now - stream.usedAt > this.#bounds.metaMs) this.#streams.delete(name);
      else if (now - stream.usedAt > this.#bounds.dataMs) stream.entries = [];
      else break;
    }
    for (const [key, { at }] of this.#seen) {
      if (now - at <= this.#bounds.dedupMs) break;
      this.#seen.delete(key);
    }
  }

  #known(key: string): StreamPlace | undefined {
    const seen = this.#seen.get(key);
    const isOld = seen !== undefined && this.#clock.monotonic() - seen.at > this.#bounds.dedupMs;
    return isOld ? undefined : seen;
  }

  #remember(key: string, place: StreamPlace): void {
    this.#seen.delete(key);
    this.#seen.set(key, { ...place, at: this.#clock.monotonic() });
    if (this.#seen.size > DEDUP_MAX) dropFirst(this.#seen);
  }
}

function dropFirst(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
