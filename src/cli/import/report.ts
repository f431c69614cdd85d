import { type FileHandle, open } from 'node:fs/promises';
import { CliFault, EXIT } from '../faults.ts';
import type { Outcome } from './send.ts';

/**
 * One JSON object a line: of each file what the server took of it, or why it was refused; then of
 * each entry that is stale, waiting or refused where it stands and why.
 */
export class Report {
  readonly #file: FileHandle | undefined;
  #written: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle | undefined) {
    this.#file = file;
  }

  /** @param path undefined: nothing is written */
  static async to(path: string | undefined): Promise<Report> {
    if (path === undefined) return new Report(undefined);
    try {
      return new Report(await open(path, 'w', 0o600));
    } catch {
      throw new CliFault(EXIT.usage, `${path}: cannot be written.`);
    }
  }

  add(outcome: Outcome): void {
    const text = linesOf(outcome)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('');
    this.#written = this.#written.then(() => this.#file?.write(text));
  }

  async end(): Promise<void> {
    await this.#written;
    await this.#file?.close();
  }
}

function linesOf({ label: file, receipt, held, refused }: Outcome): object[] {
  const { entries = [], ...counts } = receipt ?? {};
  return [
    {
      file,
      ...counts,
      ...(held && { held }),
      ...(refused !== undefined && { outcome: 'refused', ...refused }),
    },
    ...entries.map((entry) => ({ file, ...entry })),
  ];
}
