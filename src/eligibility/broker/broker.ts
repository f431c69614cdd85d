import type { Service } from '../../kernel/lifecycle.ts';
import type { CheckStep } from '../../twin/ports.ts';
import { isTerminal } from '../journal/table.ts';
import type { SchedulerStatus } from '../scheduler/index.ts';
import type { BrokerParts } from './parts.ts';
import { Reign } from './reign.ts';

const AGAIN_FIRST_MS = 200;
const AGAIN_MAX_MS = 5_000;

/** The broker of an instance: it decides while it leads, and hears what is decided elsewhere. */
export interface Broker extends Service {
  /** Of the one that decides; `undefined` where that is another instance, or nobody. */
  status(): SchedulerStatus | undefined;
  expectedWaitMs(one: 'live' | 'async' | 'batch', payer: string): number | undefined;
  /** How it ended here, where the journal has not been told yet. */
  unsaid(checkId: string): CheckStep | undefined;
}

export function createBroker(parts: BrokerParts): Broker {
  return new OneBroker(parts);
}

class OneBroker implements Broker {
  readonly name = 'eligibility-broker';
  readonly #parts: BrokerParts;
  readonly #unsaid = new Map<string, CheckStep>();
  #forget: (() => void)[] = [];
  #reign: Reign | undefined;
  #stopped = true;
  #running: Promise<void> = Promise.resolve();
  #onEnd: () => void = () => undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    parts.journal.onSteps((steps) => this.#hear(steps));
  }

  async start(): Promise<void> {
    const { leadership } = this.#parts;
    this.#stopped = false;
    if (leadership === undefined) {
      this.#begin();
      return;
    }
    this.#forget = [
      leadership.onLost(() => this.#lose()),
      leadership.onGained(() => this.#begin()),
    ];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const forget of this.#forget) forget();
    await this.#lose();
  }

  status(): SchedulerStatus | undefined {
    return this.#reign?.status();
  }

  expectedWaitMs(one: 'live' | 'async' | 'batch', payer: string): number | undefined {
    const reign = this.#reign;
    return reign?.expectedWaitMs(one, payer);
  }

  unsaid(checkId: string): CheckStep | undefined {
    return this.#unsaid.get(checkId);
  }

  #hear(steps: readonly CheckStep[]): void {
    const { table } = this.#parts;
    const accepted = steps.flatMap((step) => {
      const standing = table.apply(step);
      if (standing !== undefined && isTerminal(standing.state)) this.#unsaid.delete(step.checkId);
      return standing?.state === 'accepted' ? [standing] : [];
    });
    if (accepted.length > 0) this.#reign?.take(accepted);
  }

  get #leads(): boolean {
    return !this.#stopped && (this.#parts.leadership?.leads ?? true);
  }

  #begin(): void {
    this.#running = this.#running.then(() => this.#lead());
  }

  async #lose(): Promise<void> {
    this.#onEnd();
    await this.#reign?.stop();
    await this.#running;
  }

  /** Whatever fails, what was committed is heard anew before anything more is done. */
  async #lead(): Promise<void> {
    const { journal, report } = this.#parts;
    for (let againMs = AGAIN_FIRST_MS; this.#leads; ) {
      try {
        const reign = new Reign({ ...this.#parts, unsaid: this.#unsaid }, await journal.reign());
        this.#reign = reign;
        if (!this.#leads) await reign.stop();
        else await reign.start();
        againMs = AGAIN_FIRST_MS;
        const cause = await reign.ended;
        if (cause !== undefined) throw cause;
      } catch (error) {
        report(error);
      } finally {
        const reign = this.#reign;
        this.#reign = undefined;
        await reign?.stop();
      }
      if (this.#leads) await this.#pause(againMs);
      againMs = Math.min(againMs * 2, AGAIN_MAX_MS);
    }
  }

  async #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.after(delayMs, resolve);
    this.#onEnd = resolve;
    await promise;
    timer.cancel();
  }
}
