/**
 * Work in lanes: one after the other within a lane, side by side across lanes, at most so many at
 * once. Work that ends at once costs no promise, which is most of what a fast handler costs.
 */
export class Lanes<W> {
  readonly #concurrency: number;
  readonly #laneOf: (work: W) => string;
  readonly #run: (work: W, slot: Slot) => Promise<void> | undefined;
  /** A lane is here while it has work, under way or waiting. */
  readonly #lanes = new Map<string, W[]>();
  /** What goes on as soon as a slot is free. */
  #ready: (() => void)[] = [];
  #busy = 0;
  readonly #slot: Slot;

  /** @param run never rejects */
  constructor(
    concurrency: number,
    laneOf: (work: W) => string,
    run: (work: W, slot: Slot) => Promise<void> | undefined,
  ) {
    this.#concurrency = concurrency;
    this.#laneOf = laneOf;
    this.#run = run;
    this.#slot = {
      release: () => {
        this.#busy -= 1;
        this.#pump();
      },
      acquire: () =>
        new Promise((resolve) => {
          this.#ready.push(() => {
            this.#busy += 1;
            resolve();
          });
          this.#pump();
        }),
    };
  }

  add(work: W): void {
    // Where nothing waits and nothing is under way, there is no lane to look for.
    if (this.#lanes.size === 0 && this.#ready.length === 0) {
      const pending = this.#run(work, this.#slot);
      if (pending !== undefined) this.#occupy(this.#laneOf(work), [], pending);
      return;
    }
    const lane = this.#laneOf(work);
    const waiting = this.#lanes.get(lane);
    if (waiting !== undefined) {
      waiting.push(work);
      return;
    }
    const queue = [work];
    this.#lanes.set(lane, queue);
    if (this.#busy < this.#concurrency && this.#ready.length === 0) this.#advance(lane, queue);
    else this.#ready.push(() => this.#advance(lane, queue));
  }

  #advance(lane: string, queue: W[]): void {
    for (;;) {
      const work = queue.shift();
      if (work === undefined) {
        this.#lanes.delete(lane);
        return;
      }
      const pending = this.#run(work, this.#slot);
      if (pending !== undefined) {
        this.#occupy(lane, queue, pending);
        return;
      }
    }
  }

  #occupy(lane: string, queue: W[], pending: Promise<void>): void {
    this.#lanes.set(lane, queue);
    this.#busy += 1;
    void pending.then(() => {
      this.#busy -= 1;
      if (queue.length === 0) this.#lanes.delete(lane);
      else this.#ready.push(() => this.#advance(lane, queue));
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#busy < this.#concurrency && this.#ready.length > 0) {
      const due = this.#ready;
      this.#ready = [];
      for (const [at, go] of due.entries()) {
        if (this.#busy >= this.#concurrency) {
          this.#ready = [...due.slice(at), ...this.#ready];
          return;
        }
        go();
      }
    }
  }
}

/** Given back while work waits for its next try, so that others go on. */
export interface Slot {
  release(): void;
  acquire(): Promise<void>;
}
