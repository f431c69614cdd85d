import type { Output } from '../io.ts';
import type { ImportSource } from './sources.ts';

const BAR_CHARS = 24;
const MIB = 1024 * 1024;

/** A bar on a terminal with rate and time left; elsewhere only what is said above it. */
export class Progress {
  readonly #out: Output;
  readonly #files: number;
  readonly #bytes: number;
  readonly #now: () => number;
  readonly #began: number;
  #doneFiles = 0;
  #doneBytes = 0;

  constructor(out: Output, sources: readonly ImportSource[], now = () => performance.now()) {
    this.#out = out;
    this.#files = sources.length;
    this.#bytes = sources.reduce((total, { bytes }) => total + bytes, 0);
    this.#now = now;
    this.#began = now();
    this.#draw();
  }

  sent(bytes: number): void {
    this.#doneBytes += bytes;
    this.#draw();
  }

  done(): void {
    this.#doneFiles += 1;
    this.#draw();
  }

  /** A line that stays. */
  above(line: string): void {
    this.#clear();
    this.#out.write(`${line}\n`);
    this.#draw();
  }

  end(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#out.isTTY === true) this.#out.write('\r\u001b[2K');
  }

  #draw(): void {
    if (this.#out.isTTY !== true) return;
    const share = this.#bytes > 0 ? Math.min(this.#doneBytes / this.#bytes, 1) : 0;
    const full = Math.round(share * BAR_CHARS);
    const seconds = (this.#now() - this.#began) / 1000;
    const rate = seconds > 0 ? this.#doneBytes / seconds : 0;
    const left = Math.max(this.#bytes - this.#doneBytes, 0);
    this.#clear();
    this.#out.write(
      `[${'#'.repeat(full)}${'.'.repeat(BAR_CHARS - full)}] ` +
        `${this.#doneFiles}/${this.#files} files, ${(rate / MIB).toFixed(1)} MiB/s` +
        (rate > 0 ? `, ${Math.ceil(left / rate)} s left` : ''),
    );
  }
}
