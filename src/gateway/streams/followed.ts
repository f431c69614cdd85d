import type { Clock } from '../../kernel/clock.ts';
import type { ChannelLog, ReadSince, Ready, StreamEntry, StreamName } from '../ports.ts';

/** Entries that wait for their turn; past that they are read from the log instead. */
const WAITING_MAX = 256;
/** A log that could not be read is asked again. */
const RETRY_MS = 500;

interface Heard {
  readonly epoch: string;
  readonly entry: StreamEntry;
  readonly at: number;
}

export interface FollowedParts {
  readonly log: Pick<ChannelLog, 'read'>;
  readonly ready: Ready;
  readonly clock: Clock;
  readonly deliver: (stream: StreamName, epoch: string, entry: StreamEntry) => void;
  readonly lost: (stream: StreamName, read: Extract<ReadSince, { recovered: false }>) => void;
  readonly report: (error: unknown) => void;
}

/**
 * One stream that somebody here is subscribed to. Entries are handed on in order and without a
 * hole: each names the one before it, and where that is not the last one seen, the log is read.
 */
export class FollowedStream {
  readonly name: StreamName;
  /** Milliseconds of the monotonic clock: when something of it was last heard or asked. */
  heardAt: number;
  readonly #parts: FollowedParts;
  #epoch: string | undefined;
  #last = 0;
  #waiting: Heard[] = [];
  #mustRead = false;
  #running = false;
  #closed = false;

  constructor(name: StreamName, parts: FollowedParts) {
    this.name = name;
    this.#parts = parts;
    this.heardAt = parts.clock.monotonic();
  }

  /** Where it stands, from the first read; what comes is compared with it. */
  open({ epoch, top }: ReadSince): void {
    if (this.#epoch !== undefined) return;
    this.#epoch = epoch;
    this.#last = top;
    void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  heard(epoch: string, entry: StreamEntry): void {
    this.heardAt = this.#parts.clock.monotonic();
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ epoch, entry, at: this.heardAt });
    else {
      this.#waiting = [];
      this.#mustRead = true;
    }
    void this.#run();
  }

  /** What the log says of it: a lost last message shows no jump. */
  looked(epoch: string, top: number): void {
    this.heardAt = this.#parts.clock.monotonic();
    if (this.#epoch === undefined || (epoch === this.#epoch && top <= this.#last)) return;
    this.#mustRead = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#running || this.#epoch === undefined) return;
    this.#running = true;
    try {
      while (!this.#closed && (this.#mustRead || this.#waiting.length > 0)) await this.#next();
    } catch (error) {
      this.#parts.report(error);
      this.#mustRead = true;
      this.#parts.clock.after(RETRY_MS, () => void this.#run());
    } finally {
      this.#running = false;
    }
  }

  async #next(): Promise<void> {
    const next = this.#mustRead ? undefined : this.#waiting.shift();
    if (next === undefined) return await this.#heal();
    const { epoch, entry, at } = next;
    if (epoch === this.#epoch && entry.offset <= this.#last) return;
    if (epoch === this.#epoch && entry.prev === this.#last)
      return await this.#hand(epoch, entry, at);
    await this.#heal();
  }

  async #heal(): Promise<void> {
    const epoch = this.#epoch ?? '';
    // Before the read: what is asked for while it is under way is asked for anew.
    this.#mustRead = false;
    const read = await this.#parts.log.read(this.name, { epoch, offset: this.#last });
    if (!read.recovered) {
      this.#epoch = read.epoch;
      this.#last = read.top;
      this.#parts.lost(this.name, read);
      return;
    }
    const at = this.#parts.clock.monotonic();
    for (const entry of read.entries) await this.#hand(epoch, entry, at);
  }

  /** What announces a fact waits until a read shows it; what comes after waits behind it. */
  async #hand(epoch: string, entry: StreamEntry, at: number): Promise<void> {
    const shown = this.#parts.ready(entry.event, at);
    if (shown !== undefined) await shown;
    this.#last = entry.offset;
    if (!this.#closed) this.#parts.deliver(this.name, epoch, entry);
  }
}
