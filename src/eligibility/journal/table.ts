import type { CheckRequest, CheckState, CheckStep } from '../../twin/ports.ts';

/** How one check stands, by the steps that were heard of it. */
export interface CheckStanding {
  readonly checkId: string;
  readonly request: CheckRequest;
  readonly acceptedAt: number;
  readonly state: CheckState;
  readonly changedAt: number;
  readonly attempt: number;
  /** A slot is held until then. */
  readonly runningUntil?: number;
  readonly mayHaveReachedPayer: boolean;
  readonly flight?: string;
  /** The terminal step, or the newest. */
  readonly newest: CheckStep;
}

const TERMINAL: ReadonlySet<CheckState> = new Set(['completed', 'failed', 'timed-out']);

export function isTerminal(state: CheckState): boolean {
  return TERMINAL.has(state);
}

/** Checks that have ended and can still be asked for; then the oldest go. */
const ENDED_MAX = 100_000;

/**
 * All checks, folded from the journal: the same on every instance. A step may come twice, and
 * nothing comes after the first terminal one.
 */
export class CheckTable {
  readonly #open = new Map<string, CheckStanding>();
  /** In the order in which they ended. */
  readonly #ended = new Map<string, CheckStanding>();
  readonly #endedMax: number;
  readonly #counts = new Map<string, number>();

  constructor(endedMax = ENDED_MAX) {
    this.#endedMax = endedMax;
  }

  get(checkId: string): CheckStanding | undefined {
    return this.#open.get(checkId) ?? this.#ended.get(checkId);
  }

  open(): CheckStanding[] {
    return [...this.#open.values()];
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Open ones of a class, or of one tenant in it. */
  openOf(one: CheckRequest['class'], tenant = ''): number {
    return this.#counts.get(`${one} ${tenant}`) ?? 0;
  }

  /** Those that ended with a slot still held. */
  heldAfterEnd(now: number): CheckStanding[] {
    return [...this.#ended.values()].filter(({ runningUntil = 0 }) => runningUntil > now);
  }

  /** @returns how it stands after the step; `undefined` where the step says nothing new */
  apply(step: CheckStep): CheckStanding | undefined {
    const { checkId } = step;
    if (this.#ended.has(checkId)) return undefined;
    const before = this.#open.get(checkId);
    const after = before === undefined ? first(step) : next(before, step);
    if (after === undefined) return undefined;
    if (!isTerminal(after.state)) {
      if (before === undefined) this.#count(after.request, 1);
      this.#open.set(checkId, after);
      return after;
    }
    if (before !== undefined) this.#count(after.request, -1);
    this.#open.delete(checkId);
    this.#ended.set(checkId, after);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > this.#endedMax && oldest !== undefined) this.#ended.delete(oldest);
    return after;
  }

  #count({ class: one, tenant }: CheckRequest, by: 1 | -1): void {
    for (const key of [`${one} `, `${one} ${tenant}`]) {
      const count = (this.#counts.get(key) ?? 0) + by;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
    }
  }
}

/** A check whose acceptance is past the journal's retention says nothing that could be used. */
function first(step: CheckStep): CheckStanding | undefined {
  const { checkId, request, at, state, attempt } = step;
  if (request === undefined) return undefined;
  const none = { mayHaveReachedPayer: false, newest: step };
  return { checkId, request, acceptedAt: at, state, changedAt: at, attempt, ...none };
}

function next(before: CheckStanding, step: CheckStep): CheckStanding | undefined {
  const isRepeated = step.eventId === before.newest.eventId || step.state === 'accepted';
  if (isRepeated) return undefined;
  const { runningUntil, flight = before.flight } = step;
  return {
    ...{ checkId: before.checkId, request: before.request, acceptedAt: before.acceptedAt },
    ...{ state: step.state, changedAt: step.at, attempt: step.attempt, newest: step },
    ...(runningUntil !== undefined && { runningUntil }),
    ...(flight !== undefined && { flight }),
    mayHaveReachedPayer: before.mayHaveReachedPayer || step.mayHaveReachedPayer === true,
  };
}
