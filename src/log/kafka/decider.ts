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
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#then(() => this.#abdicate());
    await this.#standby.stop();
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
