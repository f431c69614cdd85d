/**
 * Tells when nobody has been here for a while: a server that the stdio bridge started ends after
 * its last client. Every open exchange counts, so a bridge holds one open for as long as it runs.
 */
export class IdleWatch {
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  #open = 0;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param idleMs 0 never */
  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
  }

  start(): void {
    if (this.#idleMs > 0) this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  enter(res: { once(event: 'close', listener: () => void): unknown }): void {
    if (this.#idleMs === 0) return;
    this.#open += 1;
    clearTimeout(this.#timer);
    res.once('close', () => {
      this.#open -= 1;
      if (this.#open === 0) this.#arm();
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(this.#onIdle, this.#idleMs);
  }
}
