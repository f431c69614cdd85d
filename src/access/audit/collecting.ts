import type { Clock, Timer } from '../../kernel/clock.ts';
import { startWorker, type WorkerHandle } from '../../kernel/worker.ts';
import type { AuditTopic } from '../../twin/ports.ts';
import type { TrailMethods } from './trail.worker.ts';

export interface CollectingOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly topic: Pick<AuditTopic, 'follow'>;
  readonly report: (error: unknown) => void;
}

const RETRY_MS = 2_000;

/** Keeps what comes by the topic; whatever fails is begun again from where it was kept. */
export class Collecting {
  readonly #options: CollectingOptions;
  #worker: WorkerHandle<TrailMethods> | undefined;
  #following: { stop(): Promise<void> } | undefined;
  #retry: Timer | undefined;
  #stopped = true;

  constructor(options: CollectingOptions) {
    this.#options = options;
  }

  /** Resolves once there is a file to read; what is in the topic comes by and by. */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#open();
    void this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#following?.stop().catch(this.#options.report);
    await this.#worker?.call('close', undefined).catch(this.#options.report);
    await this.#worker?.close();
  }

  async #open(): Promise<void> {
    const worker = startWorker<TrailMethods>({
      from: import.meta.url,
      file: './trail.worker',
      data: { path: this.#options.path },
      onDeath: (error) => {
        if (this.#worker !== worker) return;
        this.#options.report(error);
        this.#worker = undefined;
        this.#again();
      },
    });
    this.#worker = worker;
    await worker.call('places', undefined);
  }

  async #follow(): Promise<void> {
    try {
      if (this.#worker === undefined) await this.#open();
      const worker = this.#worker;
      if (worker === undefined || this.#stopped) return;
      const places = await worker.call('places', undefined);
      this.#following = await this.#options.topic.follow(places, async (batch) => {
        await worker.call('take', batch);
      });
      if (this.#stopped) await this.#following.stop();
    } catch (error) {
      this.#options.report(error);
      this.#again();
    }
  }

  #again(): void {
    if (this.#stopped) return;
    this.#retry?.cancel();
    const { clock, report } = this.#options;
    this.#retry = clock.after(RETRY_MS, () => {
      const before = this.#following;
      this.#following = undefined;
      void (before?.stop().catch(report) ?? Promise.resolve()).then(() => this.#follow());
    });
  }
}
