import type { Clock, Timer } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { RelationChange } from '../twin/ports.ts';
import { mark, markFilter, markNumber } from './spicedb/bookkeeping.ts';
import type { Engine } from './spicedb/engine.ts';

/**
 * The sign of life that every instance waits for in Watch. Its number is the writer's clock in
 * milliseconds, made to grow. A beat that fails is simply missing: silence is the message.
 */
export class Heartbeat {
  readonly #engine: Engine;
  readonly #clock: Clock;
  #last = 0;
  #timer: Timer | undefined;
  /** Counts starts and stops, so that a beat under way never goes on beside a new start. */
  #turn = 0;

  constructor(engine: Engine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** Takes away what an earlier writer left, beats once, and goes on beating. */
  async start(): Promise<void> {
    const turn = ++this.#turn;
    const left = await this.#engine.read(markFilter('heartbeat'));
    await this.#beat(left.map(markNumber));
    this.#schedule(turn);
  }

  stop(): void {
    this.#turn++;
    this.#timer?.cancel();
  }

  async #beat(earlier: readonly number[]): Promise<void> {
    const next = Math.max(this.#clock.now(), ...earlier.map((number) => number + 1));
    const gone = earlier.map(
      (number): RelationChange => ({
        operation: 'delete',
        relationship: mark('heartbeat', number),
      }),
    );
    await this.#engine.write([
      { operation: 'touch', relationship: mark('heartbeat', next) },
      ...gone,
    ]);
    this.#last = next;
  }

  #schedule(turn: number): void {
    if (turn !== this.#turn) return;
    this.#timer = this.#clock.after(LIMITS.heartbeatIntervalMs, () => {
      this.#beat([this.#last])
        .catch(() => undefined)
        .finally(() => this.#schedule(turn));
    });
  }
}
