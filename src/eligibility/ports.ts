import type { Answer, Question, Rejection } from './model.ts';

/**
 * One real-time question to a payer. It never throws: whatever happens is an outcome. It holds its
 * slot until it settles, at the latest `timeoutMs` after it was called.
 */
export interface Clearinghouse {
  /** After so long a call has an outcome; the clearinghouse's time-out (90 s) and skew. */
  readonly timeoutMs: number;
  check(question: Question, options?: CheckOptions): Promise<Outcome>;
}

export interface CheckOptions {
  /**
   * Ends our side of the call, for a shutdown. The clearinghouse goes on and keeps its slot until
   * it has answered or timed out: whoever aborts counts the slot as held until then.
   */
  readonly signal?: AbortSignal;
}

/** Whether a question may have come to the payer, and so may have been paid for. */
export type Reached = 'no' | 'maybe' | 'yes';

export type Outcome =
  /** Benefits came; single rejections may stand beside them. */
  | { readonly kind: 'answered'; readonly answer: Answer; readonly reached: 'yes' }
  /** AAA, from payer or clearinghouse, whatever the HTTP status; `aaa.ts` says what to do of each. */
  | {
      readonly kind: 'rejected';
      readonly answer: Answer;
      readonly rejections: readonly [Rejection, ...Rejection[]];
      readonly reached: 'yes';
    }
  /** The account's slots are taken (429): nothing was asked. */
  | { readonly kind: 'throttled'; readonly reached: 'no' }
  /** No answer that could be read. */
  | {
      readonly kind: 'unavailable';
      readonly why: 'time-out' | 'connection' | 'upstream' | 'unreadable' | 'aborted';
      readonly reached: Reached;
      /** Of the HTTP answer, where there was one. */
      readonly status?: number;
    }
  /** No repeating helps: key, address or the question itself. */
  | {
      readonly kind: 'misconfigured';
      readonly why: 'credentials' | 'forbidden' | 'not-found' | 'request';
      readonly reached: 'no';
      readonly status: number;
      /** Names of the fields that were refused, of a fixed alphabet; never their values. */
      readonly fields: readonly string[];
    };

/** Turns what came of a check into records of the member. The wiring appends through the intake. */
export interface Facts {
  record(about: CheckOf, outcome: Outcome): Promise<Recorded>;
  /** Says in the twin that a check is under way, where `coverage` should read `processing`. */
  processing(about: CheckOf): Promise<Recorded>;
}

export interface CheckOf {
  /** Ours. */
  readonly checkId: string;
  readonly tenant: string;
  readonly member: string;
  /** Id of the Coverage record; absent where the member has none that fits. */
  readonly coverage?: string;
  readonly payer: string;
  readonly serviceTypes: readonly string[];
  readonly serviceDate?: string;
  /** When it was asked, milliseconds since the epoch. */
  readonly askedAt: number;
  /** When its outcome came; absent while processing. */
  readonly settledAt?: number;
}

export interface Recorded {
  /** What the payer says, as the coverage document tells it. */
  readonly status: 'active' | 'inactive' | 'unknown' | 'processing';
  /** Sealed; a read that names it shows at least this fact. Absent where it is only held. */
  readonly position?: string;
}

/** Questions by the thousand, apart from the account's slots. */
export interface BatchClearinghouse {
  /**
   * @param name unique in the account; `[A-Za-z0-9_-]{1,100}`
   * @param items 1 to 10,000, each with a `reference` of its own; one malformed item refuses all
   */
  submit(name: string, items: readonly Question[]): Promise<Submitted>;
  /** A batch by its name, where it is not known whether it was submitted; undefined as yet. */
  find(name: string, since: number): Promise<string | undefined>;
  /** What is done since `token`; undefined where that could not be asked. */
  results(batchId: string, token: string | undefined): Promise<ResultPage | undefined>;
  progress(batchId: string): Promise<BatchProgress | undefined>;
}

export type Submitted =
  | { readonly kind: 'submitted'; readonly batchId: string }
  /** The name is taken: an earlier try has arrived. */
  | { readonly kind: 'exists' }
  | { readonly kind: 'refused'; readonly fields: readonly string[] }
  /** It is not known whether it arrived: `find` says. */
  | { readonly kind: 'unavailable' };

export interface ResultPage {
  readonly results: readonly BatchResult[];
  /** Of the next page; absent where nothing more is done as yet. */
  readonly next?: string;
}

export interface BatchResult {
  readonly reference: string;
  readonly outcome: Outcome;
}

export interface BatchProgress {
  readonly total: number;
  readonly done: number;
  readonly isComplete: boolean;
}
