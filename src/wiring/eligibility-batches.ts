import {
  type BatchClearinghouse,
  type BatchDesk,
  BatchRunner,
  createBatchDesk,
  createBatchStorage,
  type Facts,
  type Subjects,
} from '../eligibility/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Access, Audit } from '../twin/ports.ts';
import type { Report } from './running.ts';

interface Wired {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly access: Access;
  readonly audit: Audit;
  readonly subjects: Subjects;
  readonly facts: Facts;
  readonly clearinghouse: BatchClearinghouse;
  readonly metrics: { batchRow(state: string): void };
  readonly report: Report;
  readonly onDeath: (error: Error) => void;
}

/** Batches of this instance: they wait in its data directory, and go on when it starts again. */
export function batchesOf(wired: Wired): {
  readonly desk: BatchDesk;
  readonly services: readonly Service[];
} {
  const storage = createBatchStorage(wired);
  const runner = new BatchRunner({ ...wired, storage, onRow: wired.metrics.batchRow });
  return { desk: createBatchDesk({ ...wired, storage, runner }), services: [storage, runner] };
}
