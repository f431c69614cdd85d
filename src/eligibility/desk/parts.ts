import type { Clock } from '../../kernel/clock.ts';
import type { Access, Audit, CheckBoard, CheckJournal, LogPlace } from '../../twin/ports.ts';
import type { Broker } from '../broker/broker.ts';
import type { CachedQuestion } from '../cache/lookup.ts';
import type { KnownFact } from '../cache/rules.ts';
import type { CheckTable } from '../journal/table.ts';
import type { SchedulerSettings } from '../scheduler/index.ts';
import type { Subjects } from '../subject.ts';

/** What is counted at the desk. */
export interface DeskMetrics {
  cache(hit: boolean): void;
  waited(how: 'answered' | 'fell-back'): void;
  saved(): { fromCache: number; shared: number; asked: number; dollars: number };
}

export interface DeskParts {
  readonly journal: Pick<CheckJournal, 'accept' | 'onSteps'>;
  readonly table: CheckTable;
  readonly broker: Pick<Broker, 'status' | 'expectedWaitMs' | 'unsaid'>;
  readonly board: CheckBoard;
  readonly subjects: Subjects;
  readonly factOf: (question: CachedQuestion) => KnownFact | undefined;
  readonly access: Pick<Access, 'check'>;
  readonly audit: Audit;
  readonly positionOf: (place: LogPlace) => string;
  readonly settings: {
    readonly scheduler: Pick<
      SchedulerSettings,
      'slots' | 'estimateMs' | 'waitingMax' | 'tenantWaitingMax'
    >;
    readonly lifeMs: Readonly<Record<'live' | 'async' | 'batch', number>>;
  };
  /** `sync`: every request is held for its answer, as before. */
  readonly mode: () => 'events' | 'shadow' | 'sync';
  /** Of this deployment: check ids of idempotency keys say nothing about them. */
  readonly secret: Uint8Array;
  readonly metrics: DeskMetrics;
  readonly clock: Clock;
}
