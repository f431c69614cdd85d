import type { Clock } from '../../kernel/clock.ts';

/**
 * Runs one thing again and again, never twice at once: after each pause, or as soon as it is woken.
 */
export class Repeating {
  readonly #clock: Clock;
  readonly #work: () => Promise<void>;
  #wake: () => void = () => undefined;
  #woken = false;
  #stopped = true;
  #running: Promise<void> = Promise.resolve();

  constructor(clock: Clock, work: () => Promise<void>) {
    this.#clock = clock;
    this.#work = work;
  }

  start(pauseMs: () => number): void {
    this.#stopped = false;
    this.#running = this.#run(pauseMs);
  }

  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
  }

  async #run(pauseMs: () => number): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      await this.#work();
      if (!this.#stopped && !this.#woken) await this.#pause(pauseMs());
    }
  }

  async #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = this.#clock.after(delayMs, resolve);
    await promise;
    timer.cancel();
  }
}
