import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { StorableRecord } from './store.ts';

export interface GroupCommitOptions {
  readonly clock: Clock;
  /** Writes all in one transaction; durable when it resolves. */
  readonly write: (records: readonly StorableRecord[]) => Promise<void>;
  readonly report: (error: unknown) => void;
  readonly onCommit?: (records: number, seconds: number) => void;
}

interface Waiting {
  readonly record: StorableRecord;
  resolve(): void;
  reject(error: Error): void;
}

/** Records in one transaction, and records that wait; above that they are refused at once. */
const BATCH_RECORDS_MAX = 2_000;
const WAITING_RECORDS_MAX = 50_000;
/** A disk that takes longer counts as gone for those who wait. */
const COMMIT_TIMEOUT_MS = 5_000;
const UNHEALTHY_MS = 2_000;

/**
 * Group commit: while one transaction is being fsynced, all that comes gathers for the next. One
 * fsync thus serves whoever waits, and each is told only after its own.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  /** A commit that nobody waits for any more has not come back: the disk hangs. */
  #hangs = false;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** False right after a failed commit; then hope again, since only a next one can tell. */
  get healthy(): boolean {
    return !this.#hangs && this.#options.clock.monotonic() - this.#failedAt > UNHEALTHY_MS;
  }

  /** @throws Fault AUDIT_UNAVAILABLE: it may or may not have been written; show nothing. */
  add(record: StorableRecord): Promise<void> {
    if (this.#hangs || this.#waiting.length >= WAITING_RECORDS_MAX) {
      return Promise.reject(new Fault('AUDIT_UNAVAILABLE', { cause: 'the audit cannot keep up' }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Lets everything that came with the same turn of the event loop into the first transaction.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      await this.#commit(this.#waiting.splice(0, BATCH_RECORDS_MAX));
    }
    this.#running = undefined;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { clock, write, onCommit } = this.#options;
    const began = clock.monotonic();
    const late = clock.after(COMMIT_TIMEOUT_MS, () => {
      this.#hangs = true;
      this.#fail([...batch, ...this.#waiting.splice(0)], new Error('the audit commit is late'));
    });
    try {
      await write(batch.map(({ record }) => record));
      for (const { resolve } of batch) resolve();
      onCommit?.(batch.length, (clock.monotonic() - began) / 1000);
    } catch (cause) {
      this.#fail(batch, cause);
    } finally {
      late.cancel();
      this.#hangs = false;
    }
  }

  #fail(batch: readonly Waiting[], cause: unknown): void {
    this.#failedAt = this.#options.clock.monotonic();
    this.#options.report(cause);
    const fault = new Fault('AUDIT_UNAVAILABLE', { cause });
    for (const { reject } of batch) reject(fault);
  }
}
