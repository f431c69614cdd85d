/** One record of a partition, until it needs no further attention. */
export interface Entry {
  readonly offset: number;
  done: boolean;
}

/**
 * Up to where a partition is done without a hole: what may be committed. Records end in any order
 * across keys, an offset says that everything before it has ended.
 */
export class LowWater {
  #entries: Entry[] = [];
  #head = 0;
  #next = -1;

  add(offset: number): Entry {
    const entry = { offset, done: false };
    this.#entries.push(entry);
    return entry;
  }

  /** Records that are not done, or are done behind one that is not. */
  get open(): number {
    this.#advance();
    return this.#entries.length - this.#head;
  }

  /** The offset of the next record to be read after a restart; -1 before any is done. */
  get next(): number {
    this.#advance();
    return this.#next;
  }

  #advance(): void {
    for (let entry = this.#entries[this.#head]; entry?.done === true; ) {
      this.#next = entry.offset + 1;
      this.#head += 1;
      entry = this.#entries[this.#head];
    }
    if (this.#head < 1_000 || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }
}
