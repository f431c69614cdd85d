import type { Clock } from '../../kernel/clock.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Connection, ConnectionHandler, Face, Sending, Socket } from '../ports.ts';

/** Handed to a socket ahead of what the kernel takes; the rest waits where it can be taken back. */
const WRITE_AHEAD_BYTES = 16 * 1024;
/** How long nothing may leave while something waits (realtime.md §5.4). */
export const STALLED_MS = 5_000;
/** A close frame that nobody reads; then the connection is reset. */
const CLOSE_MS = 1_000;

interface Waiting {
  message: string;
  bytes: number;
  readonly how: Sending | undefined;
  /** Messages that it stands for. */
  count: number;
}

export interface ConnectionParts {
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  /** Connections that have something to write, flushed together once a turn. */
  readonly dirty: (connection: QueuedConnection) => void;
}

/** A connection with a queue that is bounded by bytes and by age; it has no timer of its own. */
export class QueuedConnection implements Connection {
  readonly id: string;
  readonly face: Face;
  heardAt: number;
  /** Since when something waits and nothing was taken; 0: nothing waits. */
  #stalledAt = 0;
  #queue: Waiting[] = [];
  #queueBytes = 0;
  #flushing = false;
  #ending = false;
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  #handler: ConnectionHandler | undefined;

  constructor(id: string, face: Face, socket: Socket, parts: ConnectionParts) {
    this.id = id;
    this.face = face;
    this.#socket = socket;
    this.#parts = parts;
    this.heardAt = parts.clock.monotonic();
  }

  /** Who handles it; set once. */
  handledBy(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  get handler(): ConnectionHandler | undefined {
    return this.#handler;
  }

  get isOpen(): boolean {
    return !this.#ending && this.#socket.isOpen;
  }

  get queuedBytes(): number {
    return this.#queueBytes + this.#socket.bufferedBytes;
  }

  send(message: string, how?: Sending): boolean {
    if (!this.isOpen) return false;
    const bytes = Buffer.byteLength(message);
    const max = this.face.queueBytesMax;
    const after = this.queuedBytes + bytes;
    if (after > max / 2 && how !== undefined) {
      if (how.policy === 'drop') return this.#dropped();
      if (how.policy === 'latest' && this.#replace(message, bytes, how)) return true;
    }
    if (after > max) return this.slow();
    this.#queue.push({ message, bytes, how, count: 1 });
    this.#queueBytes += bytes;
    this.#parts.dirty(this);
    return true;
  }

  /** The later one goes to the end: what came between them keeps its place. */
  #replace(message: string, bytes: number, how: Sending): boolean {
    const found = this.#queue.findIndex((one) => one.how?.key === how.key);
    const before = this.#queue[found];
    if (before === undefined || how.key === undefined) return false;
    this.#queue.splice(found, 1);
    const count = before.count + 1;
    const said = how.conflate?.(count) ?? message;
    const size = how.conflate === undefined ? bytes : Buffer.byteLength(said);
    this.#queue.push({ message: said, bytes: size, how, count });
    this.#queueBytes += size - before.bytes;
    this.#parts.metrics.dropped('conflated');
    return true;
  }

  #dropped(): false {
    this.#parts.metrics.dropped('slow_consumer');
    return false;
  }

  purge(takes: (tag: string) => boolean): number {
    const before = this.#queue.length;
    this.#queue = this.#queue.filter(({ how, bytes }) => {
      if (how?.tag === undefined || !takes(how.tag)) return true;
      this.#queueBytes -= bytes;
      return false;
    });
    return before - this.#queue.length;
  }

  /** As much as the socket takes ahead, in one write. */
  flush(): void {
    if (this.#flushing || this.#queue.length === 0 || !this.#socket.isOpen) return;
    let room = WRITE_AHEAD_BYTES - this.#socket.bufferedBytes;
    let count = 0;
    while (count < this.#queue.length && room > 0) {
      room -= this.#queue[count]?.bytes ?? 0;
      count += 1;
    }
    if (count === 0) {
      this.#stalls();
      return;
    }
    const batch = this.#queue.splice(0, count);
    for (const { bytes, how } of batch) {
      this.#queueBytes -= bytes;
      this.#parts.metrics.sent(bytes, how?.eventType);
    }
    this.#flushing = true;
    this.#stalls();
    this.#socket.send(
      batch.map(({ message }) => message),
      this.#taken,
    );
    this.#flushing = false;
  }

  #stalls(): void {
    if (this.#stalledAt === 0) this.#stalledAt = this.#parts.clock.monotonic();
  }

  readonly #taken = (): void => {
    this.#stalledAt = 0;
    if (this.#queue.length > 0) this.flush();
  };

  /** Nothing has left for too long. */
  hasStalled(now: number): boolean {
    return this.#stalledAt > 0 && now - this.#stalledAt > STALLED_MS;
  }

  /** Whoever comes again is told what waited here. */
  slow(): false {
    if (this.#ending) return false;
    this.#parts.metrics.dropped('slow_consumer');
    this.close(this.#handler?.codes.slow ?? 1013, 'too slow');
    return false;
  }

  close(code: number, reason: string): void {
    if (this.#ending) return;
    this.#ending = true;
    // What was said before the close is said; what a slow one left waiting is not.
    if (this.#queueBytes <= WRITE_AHEAD_BYTES) this.flush();
    this.#queue = [];
    this.#queueBytes = 0;
    this.#socket.close(code, reason);
    this.#parts.clock.after(CLOSE_MS, () => this.#socket.terminate());
  }

  terminate(): void {
    this.#ending = true;
    this.#queue = [];
    this.#queueBytes = 0;
    this.#socket.terminate();
  }

  ping(token?: string): void {
    this.#socket.ping(token);
  }
}
