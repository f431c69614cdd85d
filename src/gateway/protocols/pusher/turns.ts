/** Work by key, one after the other: a channel is left before it is entered again. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** `work` never rejects. */
  take(key: string, work: () => Promise<void>): void {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(work).finally(() => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    });
    this.#last.set(key, turn);
  }
}
