import type { SeenPlace } from '../../contract/frames.ts';
import type { RealtimeEvent } from './events.ts';
import type { Off } from './types.ts';

interface Waiting {
  readonly event: RealtimeEvent;
  /** The place of its stream before it; `undefined` where there was none. */
  readonly before: SeenPlace | undefined;
}

/** Events that wait for one `for await` loop. Bounded: what does not fit is a gap, and said. */
export class EventQueue implements AsyncIterator<RealtimeEvent, undefined> {
  readonly #max: number;
  readonly #onFull: (streams: readonly string[]) => void;
  readonly #onReturn: Off;
  #waiting: Waiting[] = [];
  /** Given to the loop, which has not come back yet. */
  #inHand: Waiting | undefined;
  #wake: (() => void) | undefined;
  #over = false;
  #error: Error | undefined;

  constructor(max: number, onFull: (streams: readonly string[]) => void, onReturn: Off) {
    this.#max = max;
    this.#onFull = onFull;
    this.#onReturn = onReturn;
  }

  push(event: RealtimeEvent, before: SeenPlace | undefined): void {
    if (this.#waiting.length >= this.#max) {
      const streams = [...new Set([...this.#waiting.map((one) => one.event.stream), event.stream])];
      this.#waiting = [];
      this.#onFull(streams);
    } else {
      this.#waiting.push({ event, before });
    }
    this.#wake?.();
  }

  /** What waits is still given; then it ends, or throws. */
  end(error?: Error): void {
    this.#over = true;
    this.#error = error;
    this.#wake?.();
  }

  /** The place before the first event of the stream that is not handled yet. */
  unhandled(stream: string): { readonly before: SeenPlace | undefined } | undefined {
    if (this.#inHand?.event.stream === stream) return this.#inHand;
    return this.#waiting.find(({ event }) => event.stream === stream);
  }

  async next(): Promise<IteratorResult<RealtimeEvent, undefined>> {
    this.#inHand = undefined;
    for (;;) {
      const first = this.#waiting.shift();
      if (first !== undefined) {
        this.#inHand = first;
        return { done: false, value: first.event };
      }
      if (this.#over) {
        this.#onReturn();
        if (this.#error !== undefined) throw this.#error;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  return(): Promise<IteratorResult<RealtimeEvent, undefined>> {
    this.#inHand = undefined;
    this.#waiting = [];
    this.#over = true;
    this.#wake?.();
    this.#onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }
}
