import { readFile, stat } from 'node:fs/promises';
import type { Clock, Timer } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { isObject } from '../kernel/json.ts';
import { FLAGS, type FlagName, isFlagName } from './flags-table.ts';

type Values = Partial<Record<FlagName, string>>;

export interface FlagsFileOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly write: (path: string, text: string) => Promise<void>;
  readonly report: (error: unknown) => void;
}

/** How often the file is looked at. By its status: a mounted file changes without being written. */
const LOOK_MS = 1_000;
const BYTES_MAX = 64 * 1024;

/** The flags' file, read again when it changes. One that is not right leaves the last good values. */
export class FlagsFile {
  readonly #options: FlagsFileOptions;
  #values: Values = {};
  #problem: string | undefined;
  #seen = '';
  #timer: Timer | undefined;
  #turn: Promise<void> = Promise.resolve();
  #onChange: (changed: readonly FlagName[]) => void = () => undefined;

  constructor(options: FlagsFileOptions) {
    this.#options = options;
  }

  get values(): Values {
    return this.#values;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  onChange(listener: (changed: readonly FlagName[]) => void): void {
    this.#onChange = listener;
  }

  /** @throws Error where the file is not right: there are no last good values yet */
  async start(): Promise<void> {
    await this.look();
    if (this.#problem !== undefined) throw new Error(this.#problem);
    this.#again();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Reads the file if it is another one than before. */
  look(): Promise<void> {
    return this.#inTurn(() => this.#look());
  }

  set(name: FlagName, value: string): Promise<void> {
    const { file, write } = this.#options;
    return this.#inTurn(async () => {
      await this.#look();
      // What somebody meant by it is not thrown away.
      if (this.#problem !== undefined) throw new Fault('CONFLICT', { detail: this.#problem });
      await write(file, `${JSON.stringify({ ...this.#values, [name]: value }, null, 2)}\n`);
      await this.#look();
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #again(): void {
    const { clock, report } = this.#options;
    this.#timer = clock.after(LOOK_MS, () => {
      this.look()
        .catch(report)
        .finally(() => {
          if (this.#timer !== undefined) this.#again();
        });
    });
  }

  async #look(): Promise<void> {
    const { file, report } = this.#options;
    const now = await statusOf(file);
    if (now === this.#seen) return;
    this.#seen = now;
    const before = this.#values;
    try {
      this.#values = now === ABSENT ? {} : flagsOf(await readFile(file, 'utf8'));
      this.#problem = undefined;
    } catch (error) {
      const why = error instanceof WrongFlags ? error.message : 'it cannot be read';
      this.#problem = `The flags in ${file} are not in force: ${why}.`;
      report(new Error(this.#problem));
    }
    const names = Object.keys(FLAGS) as FlagName[];
    const changed = names.filter((name) => before[name] !== this.#values[name]);
    if (changed.length > 0) this.#onChange(changed);
  }
}

const ABSENT = 'absent';

async function statusOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? ABSENT : 'unreadable';
  }
}

class WrongFlags extends Error {}

/** @throws WrongFlags with every fault at once; it repeats nothing that the file says. */
export function flagsOf(text: string): Values {
  if (text.length > BYTES_MAX) throw new WrongFlags(`it has more than ${BYTES_MAX} characters`);
  const json = jsonOf(text);
  if (!isObject(json)) throw new WrongFlags('it is not a JSON object of names and values');
  const faults: string[] = [];
  const values: Values = {};
  for (const [name, value] of Object.entries(json)) {
    if (!isFlagName(name)) faults.push(`a flag is unknown; known are ${Object.keys(FLAGS)}`);
    else {
      const known: readonly unknown[] = FLAGS[name].values;
      if (known.includes(value)) values[name] = String(value);
      else faults.push(`${name} must be one of ${known.join(', ')}`);
    }
  }
  if (faults.length > 0) throw new WrongFlags(faults.join('; '));
  return values;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
