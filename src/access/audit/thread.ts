import type { Clock, Timer } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { startWorker, WorkerHandle } from '../../kernel/worker.ts';
import type { AuditMethods } from './audit.worker.ts';

/** Waits before the thread is started again; the last repeats. */
const RESTART_DELAYS_MS = [100, 250, 500, 1_000, 2_500, 5_000] as const;

export interface AuditThreadOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
  readonly spawn: typeof startWorker<AuditMethods>;
}

/** The thread that writes, started again whenever it has died. */
export class AuditThread {
  readonly #options: AuditThreadOptions;
  #worker: WorkerHandle<AuditMethods> | undefined;
  #restart: Timer | undefined;
  #deaths = 0;
  #stopped = true;

  constructor(options: AuditThreadOptions) {
    this.#options = options;
  }

  get alive(): boolean {
    return !this.#stopped && this.#worker !== undefined;
  }

  async start(): Promise<void> {
    this.#stopped = false;
    await this.#open();
  }

  /** @param last what is done with the thread before it ends */
  async stop(last: () => Promise<void>): Promise<void> {
    this.#restart?.cancel();
    await last();
    this.#stopped = true;
    await this.#worker?.call('close', undefined).catch(this.#options.report);
    await this.#worker?.close();
    this.#worker = undefined;
  }

  /** @throws Fault AUDIT_UNAVAILABLE while there is no thread. */
  get call(): WorkerHandle<AuditMethods>['call'] {
    if (this.#worker === undefined) throw new Fault('AUDIT_UNAVAILABLE');
    return this.#worker.call;
  }

  async #open(): Promise<void> {
    const { spawn, path, clock } = this.#options;
    const worker = spawn({
      from: import.meta.url,
      file: './audit.worker',
      data: { path, nowMs: clock.now() },
      onDeath: (error) => this.#died(worker, error),
    });
    // Answers once the database is open and its last rows were found in order.
    await worker.call('head', undefined);
    if (this.#stopped) return await worker.close();
    this.#deaths = 0;
    this.#worker = worker;
  }

  /** A thread that died takes no rows with it: what it had not committed was refused. */
  #died(worker: WorkerHandle<AuditMethods>, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#options.report(error);
    this.#retry();
  }

  #retry(): void {
    if (this.#stopped) return;
    const delays = RESTART_DELAYS_MS;
    const delayMs = delays[Math.min(this.#deaths, delays.length - 1)] ?? delays[0];
    this.#deaths += 1;
    this.#restart = this.#options.clock.after(delayMs, () => {
      if (this.#stopped) return;
      this.#open().catch((error: unknown) => {
        this.#options.report(error);
        this.#retry();
      });
    });
  }
}
