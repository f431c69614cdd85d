import table from './aaa.json' with { type: 'json' };
import type { Rejection } from './model.ts';

/** What a broker does about a refusal of a payer. */
export interface Action {
  /**
   * `quick`: at once where somebody waits, else later; `later`: with growing waits; `once`: one
   * more time; `never`: the same question gets the same answer.
   */
  readonly retry: 'quick' | 'later' | 'once' | 'never';
  /** Days that the payer asks to wait before the same question; then `retry` is `never`. */
  readonly waitDays?: number;
  /** Says that the payer is ill, not that the question is wrong: feeds the payer's breaker. */
  readonly payerIll: boolean;
  /** The payer answered about the member, who was not found: may be kept for a short while. */
  readonly notFound: boolean;
  /** Whose work it is; absent where nobody need do anything. */
  readonly work?: Work;
}

export type Work = 'member' | 'provider' | 'date' | 'request' | 'connection';

const WORK = Object.entries(table.work) as [Work, readonly string[]][];
const WAIT_DAYS: Readonly<Record<string, number>> = { W: 30, X: 10 };

/**
 * By code and follow-up action (`N` not allowed, `S` passed on, `W` and `X` wait, `Y` will be
 * answered; `C`, `P` and `R` allow another). A follow-up action never makes a code transient that
 * is none: payers write `R` beside wrong names.
 */
export function actionOf({ code, followUp = '' }: Rejection): Action {
  const transient = table.transient.includes(code);
  const waitDays = WAIT_DAYS[followUp];
  const work = WORK.find(([, codes]) => codes.includes(code))?.[0];
  return {
    retry: retryOf(code, followUp, transient),
    payerIll: transient,
    notFound: table.notFound.includes(code),
    ...(waitDays !== undefined && { waitDays }),
    ...(!transient && { work: work ?? 'request' }),
  };
}

function retryOf(code: string, followUp: string, transient: boolean): Action['retry'] {
  if ('NSWX'.includes(followUp) && followUp !== '') {
    return code === '79' && followUp === 'N' ? 'once' : 'never';
  }
  if (transient) return followUp === 'Y' ? 'later' : 'quick';
  return table.once.includes(code) ? 'once' : 'never';
}

const ORDER: readonly Action['retry'][] = ['never', 'once', 'later', 'quick'];

/** Of several refusals in one answer the strictest counts: one wrong name is enough. */
export function strictest(rejections: readonly [Rejection, ...Rejection[]]): Action {
  const actions = rejections.map(actionOf);
  const [first = actionOf(rejections[0])] = actions.toSorted(
    (a, b) =>
      ORDER.indexOf(a.retry) - ORDER.indexOf(b.retry) || (b.waitDays ?? 0) - (a.waitDays ?? 0),
  );
  return first;
}
