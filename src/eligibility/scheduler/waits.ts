import { type CheckClass, CLASSES } from './types.ts';

export interface Ahead {
  readonly class: CheckClass;
  readonly slots: number;
  readonly free: number;
  readonly weights: Readonly<Record<CheckClass, number>>;
  /** Slot-time that waits, by class. */
  readonly waitingMs: Readonly<Record<CheckClass, number>>;
  readonly payer: { readonly waiting: number; readonly cap: number };
  /** How long a call of this payer takes. */
  readonly callMs: number;
}

/**
 * How long a check that comes now is likely to wait for its slot: what waits before it in its class,
 * at the share of the slots that the class has while the others want theirs; or what waits for its
 * payer at that payer's cap, where that is longer. An estimate, said to people; nothing rests on it
 * but early refusal.
 */
export function expectedWaitMs(ahead: Ahead): number {
  const { slots, free, weights, waitingMs, payer, callMs } = ahead;
  const wanting = CLASSES.filter((one) => one === ahead.class || waitingMs[one] > 0);
  const weight = wanting.reduce((sum, one) => sum + weights[one], 0);
  const share = (slots * weights[ahead.class]) / weight;
  const nothingWaits = waitingMs[ahead.class] === 0;
  const forClass = nothingWaits && free > 0 ? 0 : (waitingMs[ahead.class] + callMs) / share;
  const forPayer = payer.waiting === 0 ? 0 : ((payer.waiting + 1) * callMs) / payer.cap;
  return Math.round(Math.max(forClass, forPayer));
}
