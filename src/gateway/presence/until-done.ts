/**
 * Steps in Redis that must come to be, whenever that is: one that fails is tried again with the next
 * turn, and a later one of the same thing takes its place.
 */
export class UntilDone {
  readonly #left = new Map<string, () => Promise<void>>();
  readonly #running = new Set<Promise<void>>();

  /** @param thing what the step is about; resolves when it was tried */
  run(thing: string, step: () => Promise<void>): Promise<void> {
    this.#left.delete(thing);
    const tried = step().catch(() => void this.#left.set(thing, step));
    this.#running.add(tried);
    return tried.finally(() => this.#running.delete(tried));
  }

  /** It is not to be any more. */
  forget(thing: string): void {
    this.#left.delete(thing);
  }

  async again(): Promise<void> {
    const left = [...this.#left];
    for (const [thing, step] of left) {
      if (this.#left.get(thing) === step) await this.run(thing, step);
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
