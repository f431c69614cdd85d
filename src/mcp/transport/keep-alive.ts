import type { EventStream } from './event-stream.ts';

type Kept = Pick<EventStream, 'keepAlive'>;

/** Each stream hears something once in this time (the SDK's own interval). */
const EVERY_MS = 15_000;
const TICK_MS = 250;
const SLOTS = EVERY_MS / TICK_MS;

/** Keeps streams alive, a few at each tick: all at once they would hold up everything else. */
export class KeepAlive {
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Kept>());
  #entered = 0;
  #ticked = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Until the returned function is called. */
  add(stream: Kept): () => void {
    const slot = this.#slots[this.#entered++ % SLOTS];
    slot?.add(stream);
    return () => void slot?.delete(stream);
  }

  tick(): void {
    for (const stream of this.#slots[this.#ticked++ % SLOTS] ?? []) stream.keepAlive();
  }
}
