import type { CheckRequest } from '../../twin/ports.ts';
import type { CheckOf, Facts } from '../ports.ts';

/** Said at once to the log, at most. */
const SAYING_MAX = 4;

/**
 * Says in the twin that a check is under way. What would come after the answer is never said, so that
 * no document goes on reading `processing`.
 */
export class Processing {
  readonly #facts: Pick<Facts, 'processing'>;
  readonly #report: (error: unknown) => void;
  readonly #waiting = new Map<string, CheckOf>();
  readonly #saying = new Map<string, Promise<void>>();

  constructor(facts: Pick<Facts, 'processing'>, report: (error: unknown) => void) {
    this.#facts = facts;
    this.#report = report;
  }

  say(about: CheckOf): void {
    this.#waiting.set(about.checkId, about);
    this.#go();
  }

  /** Resolves when nothing will be said of it any more. */
  async over(checkId: string): Promise<void> {
    this.#waiting.delete(checkId);
    await this.#saying.get(checkId);
  }

  #go(): void {
    for (const [id, about] of this.#waiting) {
      if (this.#saying.size >= SAYING_MAX) return;
      this.#waiting.delete(id);
      const said = this.#facts
        .processing(about)
        .then(() => undefined, this.#report)
        .finally(() => {
          this.#saying.delete(id);
          this.#go();
        });
      this.#saying.set(id, said);
    }
  }
}

export function aboutOf(
  checkId: string,
  request: CheckRequest,
  askedAt: number,
  settledAt?: number,
): CheckOf {
  const { tenant, member, coverage, payer, serviceTypes, serviceDate } = request;
  return {
    ...{ checkId, tenant, member, payer, serviceTypes, askedAt },
    ...(coverage !== undefined && { coverage }),
    ...(serviceDate !== undefined && { serviceDate }),
    ...(settledAt !== undefined && { settledAt }),
  };
}
