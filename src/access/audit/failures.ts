import type { Clock, Timer } from '../../kernel/clock.ts';
import { randomId } from '../../kernel/ids.ts';
import type { Audit } from '../../twin/ports.ts';

export interface FailuresOptions {
  readonly audit: Audit;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
}

const WINDOW_MS = 60_000;
/** Rules that are told apart; ours are a closed list, and this bounds it whatever comes. */
const RULES_MAX = 64;

/**
 * Failed authentications. The first of each rule within a minute is a row at once; those that follow
 * are counted and are one row when the minute is over. So a flood takes two rows a rule and minute,
 * and no text of whoever sent it is kept.
 */
export class FailedAuthentications {
  readonly #options: FailuresOptions;
  readonly #more = new Map<string, number>();
  #timer: Timer | undefined;

  constructor(options: FailuresOptions) {
    this.#options = options;
  }

  /** @param rule the rule that the token broke, one of our own sentences */
  failed(rule: string): void {
    const known = this.#more.has(rule) || this.#more.size < RULES_MAX ? rule : 'another rule';
    const count = this.#more.get(known);
    this.#more.set(known, (count ?? -1) + 1);
    if (count === undefined) this.#append(known, 1);
    this.#timer ??= this.#options.clock.after(WINDOW_MS, () => this.flush());
  }

  /** What was only counted becomes rows. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const [rule, count] of this.#more) if (count > 0) this.#append(rule, count);
    this.#more.clear();
  }

  #append(rule: string, count: number): void {
    const { audit, report } = this.#options;
    const entry = {
      ...({ action: 'authentication', outcome: 'denied', correlationId: randomId() } as const),
      ...{ what: [], why: `a token broke a rule: ${rule}`, count },
    };
    audit.append(entry).catch(report);
  }
}
