import type { EnrollmentState } from '../../contract/enrollments.ts';
import { actionOf } from '../aaa.ts';

/** How a check ended, or stands. */
export interface Said {
  readonly status: 'cached' | 'processing' | 'completed' | 'failed' | 'timed-out';
  readonly eligibility?: 'active' | 'inactive' | 'unknown';
  /** A code of ours, or of the payer. */
  readonly reason?: string;
  readonly followUp?: string;
}

export interface Decided {
  readonly state: EnrollmentState;
  readonly reason: string;
  /** The payer was ill or silent: the same question may be put again, with nobody waiting. */
  readonly askAgain?: true;
}

/** Nothing that a payer's silence brings about is a refusal: a person decides, or it waits. */
export function decided({ status, eligibility, reason, followUp }: Said): Decided {
  if (status === 'processing') return { state: 'pending', reason: 'waiting-for-payer' };
  if (eligibility === 'active') return { state: 'enrolled', reason: 'coverage-active' };
  if (eligibility === 'inactive') return { state: 'declined', reason: 'coverage-inactive' };
  const isCode = reason !== undefined && /^[0-9A-Z]{2}$/.test(reason);
  if (status === 'timed-out') return { state: 'review', reason: 'no-answer', askAgain: true };
  if (!isCode) {
    const again = status === 'failed' ? { askAgain: true as const } : {};
    return { state: 'review', reason: 'payer-could-not-say', ...again };
  }
  const rejection = { code: reason, loop: 'unknown', path: '' } as const;
  const { payerIll } = actionOf({ ...rejection, ...(followUp !== undefined && { followUp }) });
  return { state: 'review', reason: `AAA ${reason}`, ...(payerIll && { askAgain: true as const }) };
}
