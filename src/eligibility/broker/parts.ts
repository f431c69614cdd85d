import type { Clock } from '../../kernel/clock.ts';
import type {
  CheckBoard,
  CheckJournal,
  CheckRequest,
  CheckStep,
  Leadership,
  LogPlace,
} from '../../twin/ports.ts';
import type { CheckTable } from '../journal/table.ts';
import type { Question } from '../model.ts';
import type { Clearinghouse, Facts } from '../ports.ts';
import type { CheckClass, Ending, SchedulerStatus } from '../scheduler/index.ts';
import type { Shadow } from '../shadow/shadow.ts';
import type { BrokerSettings } from './settings.ts';

/** Who the person is, for the payer: looked up when it is asked, and kept nowhere. */
export interface Questions {
  /** `undefined` where too little is known of the person to ask. */
  of(request: CheckRequest): Question | undefined;
}

/** What is counted. No label holds an id but a payer's, of a bounded list. */
export interface BrokerMetrics {
  started(one: CheckClass, payer: string, waitedMs: number): void;
  called(payer: string, ending: Ending, heldMs: number): void;
  rejected(code: string): void;
  ended(state: CheckStep['state'], one: CheckClass): void;
  /** A call that was not made since another one answers the same question. */
  shared(): void;
  status(status: SchedulerStatus): void;
}

export interface BrokerParts {
  readonly journal: CheckJournal;
  /** Absent where there is one instance only. */
  readonly leadership?: Leadership;
  readonly table: CheckTable;
  readonly board: CheckBoard;
  readonly clearinghouse: Clearinghouse;
  readonly facts: Facts;
  readonly questions: Questions;
  /** Where the record stands that a sealed position names. */
  readonly placeOf: (position: string) => LogPlace | undefined;
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly metrics: BrokerMetrics;
  readonly report: (error: unknown) => void;
  readonly random?: () => number;
  /** While it is on, each slot is kept for the question to the old interface as well. */
  readonly shadow?: Shadow;
}
