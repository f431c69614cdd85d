import { type Action, strictest } from '../aaa.ts';
import type { Outcome } from '../ports.ts';
import type { CheckClass, Ending } from '../scheduler/index.ts';
import type { RetrySettings } from './settings.ts';

/** What becomes of a flight after one call. */
export type Verdict =
  | { readonly kind: 'completed' }
  | {
      readonly kind: 'failed';
      readonly reason: Reason;
      readonly aaaCode?: string;
      readonly followUp?: string;
    }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'retry'; readonly afterMs: number; readonly reason: string };

/** Why a check failed: codes of ours, never words of a payer. */
export type Reason =
  | 'MEMBER_NOT_FOUND'
  | 'PAYER_REFUSED'
  | 'PAYER_UNAVAILABLE'
  | 'CLEARINGHOUSE_UNAVAILABLE'
  | 'CLEARINGHOUSE_REFUSED'
  | 'UNREADABLE_ANSWER'
  | 'NOT_ENOUGH_KNOWN'
  | 'NOT_RECORDED';

export interface Judged {
  readonly verdict: Verdict;
  readonly ending: Ending;
  /** The clearinghouse holds no slot for this call any more. */
  readonly slotFree: boolean;
  readonly mayHaveReachedPayer: boolean;
}

export interface Judging {
  readonly class: CheckClass;
  /** Calls so far, this one included, those for which there was no slot not counted. */
  readonly calls: number;
  readonly retries: RetrySettings;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Short, since the scheduler asks for less from the first refusal on. */
const THROTTLED_MS = 250;

/** eligibility.md §1.7: by what came, by the AAA code and the follow-up action. */
export function judge(outcome: Outcome, judging: Judging): Judged {
  const asked = { slotFree: true, mayHaveReachedPayer: outcome.reached !== 'no' };
  switch (outcome.kind) {
    case 'answered':
      return { ...asked, verdict: { kind: 'completed' }, ending: 'answered' };
    case 'rejected': {
      const action = strictest(outcome.rejections);
      const ending = action.payerIll ? 'payer-failed' : 'answered';
      return { ...asked, verdict: ofRejection(outcome, action, judging), ending };
    }
    case 'throttled': {
      const verdict = { kind: 'retry', afterMs: THROTTLED_MS, reason: 'THROTTLED' } as const;
      return { ...asked, verdict, ending: 'throttled' };
    }
    case 'misconfigured':
      return { ...asked, verdict: failed('CLEARINGHOUSE_REFUSED'), ending: 'unsaid' };
    case 'unavailable':
      return { ...asked, ...ofSilence(outcome, judging) };
  }
}

function ofRejection(
  { rejections }: Outcome & { kind: 'rejected' },
  action: Action,
  judging: Judging,
): Verdict {
  const [{ code, followUp }] = rejections;
  const { calls, retries } = judging;
  const left = action.retry === 'once' ? calls < 2 : calls < retries.callsMax[judging.class];
  if (action.retry !== 'never' && left) {
    const live = action.retry !== 'later' && judging.class === 'live';
    return { kind: 'retry', afterMs: delayMs(judging, live), reason: code };
  }
  const said = { aaaCode: code, ...(followUp !== undefined && { followUp }) };
  if (action.notFound) return { ...failed('MEMBER_NOT_FOUND'), ...said };
  return { ...failed(action.payerIll ? 'PAYER_UNAVAILABLE' : 'PAYER_REFUSED'), ...said };
}

/** No answer: where the question may be on its way, its slot is held until its time has passed. */
function ofSilence(
  outcome: Outcome & { kind: 'unavailable' },
  judging: Judging,
): Pick<Judged, 'verdict' | 'ending' | 'slotFree'> {
  const { why, reached, status } = outcome;
  const slotFree = reached === 'no' || status !== undefined;
  const ending = why === 'aborted' || reached === 'no' ? 'unsaid' : 'payer-failed';
  const left = judging.calls < judging.retries.callsMax[judging.class];
  if (left) {
    const afterMs = delayMs(judging, judging.class === 'live');
    return { verdict: { kind: 'retry', afterMs, reason: REASONS[why] }, ending, slotFree };
  }
  if (why === 'time-out') return { verdict: { kind: 'timed-out' }, ending, slotFree };
  const reason = why === 'unreadable' ? 'UNREADABLE_ANSWER' : 'CLEARINGHOUSE_UNAVAILABLE';
  return { verdict: failed(reason), ending, slotFree };
}

const REASONS = {
  'time-out': 'TIME_OUT',
  connection: 'CONNECTION',
  upstream: 'UPSTREAM',
  unreadable: 'UNREADABLE_ANSWER',
  aborted: 'ABORTED',
} as const;

function failed(reason: Reason) {
  return { kind: 'failed', reason } as const;
}

function delayMs({ calls, retries, random }: Judging, live: boolean): number {
  const { liveMs, firstMs, mostMs, spreadMs } = retries;
  if (live) return liveMs[Math.min(calls, liveMs.length) - 1] ?? liveMs[0];
  return Math.min(mostMs, firstMs * 2 ** (calls - 1)) + Math.floor(random() * spreadMs);
}
