import type { Service } from '../../kernel/lifecycle.ts';
import type { ChangeBus, View, ViewChange } from '../../twin/ports.ts';
import type { ChannelLog, StreamName } from '../ports.ts';
import { changeRouted, type Routed } from './mapped.ts';
import { appendSurely } from './sure.ts';

/** Changes that wait while the channel log is away; past that their streams begin anew. */
const WAITING_MAX = 10_000;

export interface BusFeedParts {
  readonly bus: ChangeBus;
  readonly view: Pick<View, 'epoch'>;
  readonly log: Pick<ChannelLog, 'append' | 'renew'>;
  readonly report: (error: unknown) => void;
}

/** With embedded parts: what this process's view has applied, in its order, to the channel log. */
export class BusFeed implements Service {
  readonly name = 'gateway-bus-feed';
  readonly #parts: BusFeedParts;
  #waiting: Routed[] = [];
  /** Streams of which something could not be kept. */
  readonly #broken = new Set<StreamName>();
  #running = false;
  #stopped = false;
  #end: (() => void) | undefined;

  constructor(parts: BusFeedParts) {
    this.#parts = parts;
  }

  start(): Promise<void> {
    this.#end = this.#parts.bus.subscribe((changes) => this.#changed(changes));
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#end?.();
    return Promise.resolve();
  }

  #changed(changes: readonly ViewChange[]): void {
    const { epoch } = this.#parts.view;
    for (const change of changes) {
      const routed = changeRouted(change, epoch);
      if (routed === undefined) continue;
      if (this.#waiting.length < WAITING_MAX) this.#waiting.push(routed);
      else for (const stream of routed.streams) this.#broken.add(stream);
    }
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { log, report } = this.#parts;
    try {
      while (this.#waiting.length > 0 || this.#broken.size > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        for (const routed of batch) {
          const asked = { aborted: () => this.#stopped, report };
          await appendSurely(log, routed, [routed.event.id], asked);
        }
        for (const stream of [...this.#broken]) {
          await log.renew(stream);
          this.#broken.delete(stream);
        }
      }
    } catch (error) {
      if (!this.#stopped) report(error);
    } finally {
      this.#running = false;
    }
  }
}
