/** Eligibility checks between instances: the broker's journal and what it tells the others. */

import type { CheckMode, CheckState } from '../../contract/eligibility.ts';

export type { CheckMode, CheckState };

/** What is asked, by opaque ids: who the person is stands in the twin alone. */
export interface CheckRequest {
  readonly tenant: string;
  readonly member: string;
  /** Id of the Coverage record; absent where the member has none that fits. */
  readonly coverage?: string;
  /** Payer id of the clearinghouse. */
  readonly payer: string;
  /** X12 service type codes. */
  readonly serviceTypes: readonly string[];
  /** Ten digits; absent for the provider of this installation. */
  readonly provider?: string;
  /** ISO date; absent for today. */
  readonly serviceDate?: string;
  readonly mode: CheckMode;
  readonly class: 'live' | 'async' | 'batch';
  readonly session?: string;
  /** Keyed hash of the question, tenant included: equal questions share one call. */
  readonly dedupeKey: string;
  /** Who asked: subject, or agent on behalf of subject. */
  readonly actor: string;
  /** Milliseconds since the epoch: without an answer by then it is timed out. */
  readonly until: number;
}

/** Where an accepted record stands in the log. */
export interface LogPlace {
  readonly epoch: string;
  readonly partition: number;
  readonly offset: number;
}

/** One step of one check, committed before it was done. Times are milliseconds since the epoch. */
export interface CheckStep {
  readonly eventId: string;
  readonly at: number;
  readonly checkId: string;
  readonly tenant: string;
  readonly member: string;
  readonly state: CheckState;
  /** Only with `accepted`. */
  readonly request?: CheckRequest;
  /** Which call, from 1; 0 before the first. */
  readonly attempt: number;
  /** A slot is held until then, whatever becomes of the broker. */
  readonly runningUntil?: number;
  /** A former call may have reached the payer. */
  readonly mayHaveReachedPayer?: boolean;
  /** The check whose call it shares. */
  readonly flight?: string;
  /** Ours, or an AAA code: why it failed or is tried again. */
  readonly reason?: string;
  /** AAA follow-up action. */
  readonly followUp?: string;
  /** What the payer said; only with `completed`. */
  readonly status?: 'active' | 'inactive' | 'unknown';
  readonly place?: LogPlace;
}

interface CheckEventOf {
  readonly eventId: string;
  readonly at: number;
  readonly checkId: string;
  readonly tenant: string;
  readonly member: string;
  readonly coverage?: string;
  readonly payer: string;
  readonly session?: string;
  readonly actor: string;
}

/** What leaves by `rte-completion`; one that announces a fact comes after the fact's record. */
export type CheckEvent = CheckEventOf &
  (
    | { readonly kind: 'processing'; readonly expectedWaitMs: number }
    | {
        readonly kind: 'completed';
        readonly status: 'active' | 'inactive' | 'unknown';
        readonly checkedAt: number;
        readonly document: string;
        readonly place?: LogPlace;
        /** A time-out had been announced before. */
        readonly late: boolean;
      }
    | {
        readonly kind: 'failed';
        readonly reason: string;
        readonly aaaCode?: string;
        readonly followUp?: string;
      }
    | {
        readonly kind: 'timed-out';
        readonly waitedMs: number;
        readonly mayStillArrive: boolean;
      }
  );

/** `rte.requests`: steps of all checks in one order for all instances. */
export interface CheckJournal {
  /**
   * Each step once it is durable, first those that were there, in their order; a listener that is
   * registered before the start misses none.
   */
  onSteps(listener: (steps: readonly CheckStep[]) => void): () => void;
  /** What leaves, once it is durable; only of the reign on this instance. */
  onEvents(listener: (events: readonly CheckEvent[]) => void): () => void;
  /** Resolves once they are durable. Any instance may. @throws Fault LOG_UNAVAILABLE */
  accept(steps: readonly CheckStep[]): Promise<void>;
  /**
   * Fences whoever reigned before; resolves once listeners have everything that was durable then.
   * One at a time on an instance.
   */
  reign(): Promise<CheckReign>;
}

/** The one that may say what becomes of checks, until somebody else begins. */
export interface CheckReign {
  /**
   * Durable all together or not at all.
   * @throws whatever went wrong: whether it is durable is then open, and this reign has ended
   */
  commit(steps: readonly CheckStep[], events: readonly CheckEvent[]): Promise<void>;
  end(): Promise<void>;
}

/** How checks stand, among instances, while the journal is away: bounded in time, may be lost. */
export interface CheckBoard {
  put(checkId: string, standing: CheckStep): Promise<void>;
  get(checkId: string): Promise<CheckStep | undefined>;
}
