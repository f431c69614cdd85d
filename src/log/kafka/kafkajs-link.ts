import { atMost, BOUNDS, bounded } from './client-bounds.ts';

/**
 * Something of the library that connects. It connects anew whenever it is asked or tries again, a
 * disconnect or not: so nothing is asked once this is closed, and what was on its way is waited for.
 */
export class Link<T extends { disconnect(): Promise<void> }> {
  readonly #end: T;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(end: T) {
    this.#end = end;
  }

  /** @throws KafkaTimeout */
  async use<R>(what: string, ask: (end: T) => Promise<R>, ms?: number): Promise<R> {
    if (this.#closed) throw new Error('the connection was closed');
    const asking = ask(this.#end);
    this.#running.add(asking);
    const ended = (): void => void this.#running.delete(asking);
    asking.then(ended, ended);
    return bounded(what, asking, ms);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await atMost(BOUNDS.stopMs, this.#end.disconnect());
    if (this.#running.size === 0) return;
    const over = Promise.allSettled(this.#running).then(() => this.#end.disconnect());
    await atMost(BOUNDS.stopMs, over);
  }
}
