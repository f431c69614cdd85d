import { randomInt } from 'node:crypto';
import type { Clock, Timer } from '../../kernel/clock.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Face, Socket, SocketEvents, UpgradeRequest } from '../ports.ts';
import { QueuedConnection } from './queued.ts';

/** How often the whole set is looked over: heartbeats, stalled and silent ones. */
const SWEEP_MS = 1_000;
/** Turns in which a drain closes, so that no two seconds see the whole crowd. */
const DRAIN_TURN_MS = 50;
const INSTANCE_NUMBERS = 2 ** 47;

export interface ConnectionsOptions {
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly report: (error: unknown) => void;
  /** Over how long a drain is spread, at most. */
  readonly drainMs: number;
  /** Closes a second below which a drain is not spread any thinner. */
  readonly drainPerSecond: number;
  /** Bytes that may wait for all connections of the process. */
  readonly queuedBytesMax: number;
}

/** Every connection of this process: made, watched, and ended. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<QueuedConnection>();
  readonly #dirty = new Set<QueuedConnection>();
  readonly #instance = randomInt(1, INSTANCE_NUMBERS);
  #next = 0;
  #timer: Timer | undefined;
  #draining = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  start(): void {
    this.#timer ??= this.#options.clock.after(SWEEP_MS, () => {
      this.#timer = undefined;
      this.#sweep();
      this.start();
    });
  }

  /** A socket whose handshake is done. The handler hears of it before its first byte is read. */
  open(
    face: Face,
    socket: Socket & { listen(events: SocketEvents): void },
    request: UpgradeRequest,
  ): void {
    const { clock, metrics } = this.#options;
    this.#next += 1;
    const connection = new QueuedConnection(`${this.#instance}.${this.#next}`, face, socket, {
      ...{ clock, metrics },
      dirty: this.#soon,
    });
    const handler = face.open(connection, request);
    connection.handledBy(handler);
    this.#all.add(connection);
    metrics.opened(face.name, this.#all.size);
    socket.listen({
      text: (message) => this.#guard(() => handler.text(message), connection),
      binary: () => this.#guard(() => handler.binary(), connection),
      alive: () => {
        connection.heardAt = clock.monotonic();
      },
      pong: (token) => this.#guard(() => handler.pong?.(token), connection),
      closed: () => this.#closed(connection),
    });
    if (this.#draining) connection.close(handler.codes.comeAgain, 'come again');
  }

  #guard(work: () => void, connection: QueuedConnection): void {
    try {
      work();
    } catch (error) {
      this.#options.report(error);
      connection.terminate();
    }
  }

  #closed(connection: QueuedConnection): void {
    if (!this.#all.delete(connection)) return;
    this.#dirty.delete(connection);
    this.#options.metrics.closed(connection.face.name, this.#all.size);
    this.#guard(() => connection.handler?.closed(), connection);
    if (this.#all.size === 0) this.#whenEmpty?.();
  }

  readonly #soon = (connection: QueuedConnection): void => {
    if (this.#dirty.size === 0) queueMicrotask(this.#flush);
    this.#dirty.add(connection);
  };

  readonly #flush = (): void => {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const connection of dirty) connection.flush();
  };

  #sweep(): void {
    const now = this.#options.clock.monotonic();
    let queued = 0;
    for (const connection of this.#all) {
      queued += connection.queuedBytes;
      const { heartbeatMs } = connection.face;
      const silentMs = now - connection.heardAt;
      if (connection.hasStalled(now)) connection.slow();
      else if (silentMs > 2 * heartbeatMs + SWEEP_MS) {
        connection.close(connection.handler?.codes.silent ?? 1001, 'silent');
      } else if (silentMs > heartbeatMs) connection.ping();
    }
    if (queued > this.#options.queuedBytesMax) this.#relieve(queued);
  }

  /** The process as a whole holds too much: those who hold the most come again. */
  #relieve(queued: number): void {
    let over = queued - this.#options.queuedBytesMax;
    const most = [...this.#all].sort((a, b) => b.queuedBytes - a.queuedBytes);
    for (const connection of most) {
      if (over <= 0) return;
      over -= connection.queuedBytes;
      connection.slow();
    }
  }

  /** Closes all, spread over time: those who come again should not come at once. */
  async drain(): Promise<void> {
    this.#draining = true;
    const { clock, drainMs, drainPerSecond } = this.#options;
    const open = [...this.#all];
    const withinMs = Math.min(drainMs, (open.length / drainPerSecond) * 1_000);
    const turns = Math.max(1, Math.ceil(withinMs / DRAIN_TURN_MS));
    const perTurn = Math.ceil(open.length / turns);
    for (const connection of open) {
      this.#guard(() => connection.handler?.draining(Math.ceil(withinMs)), connection);
    }
    for (let at = 0; at < open.length; at += perTurn) {
      for (const connection of open.slice(at, at + perTurn)) {
        connection.close(connection.handler?.codes.comeAgain ?? 1012, 'come again');
      }
      if (at + perTurn < open.length) await turn(clock, DRAIN_TURN_MS);
    }
    await this.#emptied();
    this.#timer?.cancel();
  }

  /** Each close is followed by a reset within a second. */
  #emptied(): Promise<void> {
    if (this.#all.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const late = this.#options.clock.after(1_500, resolve);
      this.#whenEmpty = () => {
        late.cancel();
        resolve();
      };
    });
  }
}

function turn(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
