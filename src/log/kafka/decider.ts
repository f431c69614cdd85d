import type { Timer } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { Leadership } from '../../twin/ports.ts';
import { Reign, type ReignParts } from './reign.ts';
import { createStandby, type Standby, type StandbyOptions } from './standby.ts';

export interface DeciderOptions
  extends Omit<ReignParts, 'inherit' | 'partitions' | 'client'>,
    Omit<StandbyOptions, 'partitions' | 'onTrouble' | 'client'> {
  readonly client: ReignParts['client'];
  readonly leadership: Leadership;
  readonly partitions: StandbyOptions['partitions'] & ReignParts['partitions'];
}

/** How often it is noted that the state is as new as the log. */
const COMPLETE_EVERY_MS = 3_600_000;
const AGAIN_MIN_MS = 200;
const AGAIN_MAX_MS = 5_000;

/**
 * A decider that stands by, taking in what the active one commits, and leads when it is its turn.
 * Whatever goes wrong while it leads ends that reign, and the next one, here or elsewhere, begins
 * from what Kafka has.
 */
export class KafkaDecider implements Service {
  readonly name = 'decider';
  readonly #options: DeciderOptions;
  readonly #standby: Standby;
  #reign: Reign | undefined;
  /** Changes of role, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #again: Timer | undefined;
  #againMs = AGAIN_MIN_MS;
  #noting: Timer | undefined;
  #stopped = false;
  #unsubscribe: (() => void)[] = [];

  constructor(options: DeciderOptions) {
    this.#options = options;
    this.#standby = createStandby({ ...options, onTrouble: options.onError });
  }

  /** Whether this instance decides now. */
  get leads(): boolean {
    return this.#reign !== undefined;
  }

  async start(): Promise<void> {
    const { leadership } = this.#options;
    await this.#standby.start();
    this.#unsubscribe = [
      leadership.onLost(() => this.#then(() => this.#abdicate())),
      leadership.onGained(() => void this.#then(() => this.#lead())),
    ];
    void this.#noteComplete();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again?.cancel();
    this.#noting?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#then(() => this.#abdicate());
    await this.#standby.stop();
  }

  async #noteComplete(): Promise<void> {
    const { clock, call, onError } = this.#options;
    const at = clock.now();
    try {
      if (!this.leads) await this.#standby.caughtUp();
      if (!this.#stopped) await call('complete', { at });
    } catch (error) {
      // It was stopped meanwhile, to lead or for good; else it is told, and noted later.
      if (!this.leads && !this.#stopped) onError(error);
    }
    if (this.#stopped) return;
    this.#noting = clock.after(COMPLETE_EVERY_MS, () => void this.#noteComplete());
  }

  #then(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step).catch(this.#options.onError);
    return this.#turn;
  }

  async #lead(): Promise<void> {
    const { leadership } = this.#options;
    if (this.#stopped || !leadership.leads || this.#reign !== undefined) return;
    const reign = new Reign({ ...this.#options, inherit: () => this.#inherit() });
    this.#reign = reign;
    try {
      await reign.start();
      this.#againMs = AGAIN_MIN_MS;
      void reign.ended.then((cause) => this.#over(reign, cause));
    } catch (error) {
      this.#over(reign, error);
    }
  }

  #over(reign: Reign, cause: unknown): void {
    if (this.#reign !== reign || cause === undefined) return;
    this.#options.onError(cause);
    void this.#then(() => this.#abdicate()).then(() => this.#leadAgain());
  }

  #leadAgain(): void {
    if (this.#stopped) return;
    this.#again = this.#options.clock.after(this.#againMs, () => {
      void this.#then(() => this.#lead());
    });
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MAX_MS);
  }

  async #inherit(): Promise<void> {
    await this.#standby.caughtUp();
    await this.#standby.stop();
  }

  async #abdicate(): Promise<void> {
    const reign = this.#reign;
    this.#reign = undefined;
    if (reign === undefined) return;
    await reign.stop();
    if (this.#stopped) return;
    await this.#standby.stop();
    await this.#standby.start();
  }
}
