import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { asFault, Fault } from '../kernel/errors.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { startWorker, type WorkerHandle } from '../kernel/worker.ts';
import type {
  BundleSubmission,
  EventLog,
  HeldRecords,
  Intake,
  IntakeReceipt,
  LogRecord,
  Place,
  RelationChange,
  RelationJournal,
} from '../twin/ports.ts';
import type { Grown } from './appends.ts';
import { createHousekeeping } from './housekeeping.ts';
import type { IdentityRules } from './identity.ts';
import type { LogIdentity } from './schema.ts';
import type { RecordSubmission } from './store.ts';

export interface LogWorkerData {
  readonly path: string;
  readonly rules: IdentityRules;
}

export type LogMethods = {
  open(args: null): LogIdentity;
  submitBundle(args: { submission: BundleSubmission; at: number }): IntakeReceipt;
  submitRecord(args: { record: RecordSubmission; at: number }): Place;
  held(args: { tenant: string }): HeldRecords;
  wake(args: { at: number }): boolean;
  sweep(args: { at: number }): number;
  read(args: { partition: number; offset: number; limit: number }): LogRecord[];
  ends(args: null): number[];
  appendRelations(args: { changes: readonly RelationChange[]; actor: string; at: number }): number;
  readRelations(args: {
    offset: number;
    limit: number;
  }): { offset: number; change: RelationChange }[];
  compact(args: { at: number }): void;
  passTime(args: { at: number }): boolean;
  close(args: null): void;
};

export interface EmbeddedLogOptions extends IdentityRules {
  /** Created where it does not exist; the log is `log.db` in it. */
  readonly dataDir: string;
  readonly clock: Clock;
  /**
   * Told when a daily compaction fails, records waited in vain, or the thread dies: what only an
   * operator can mend.
   */
  readonly onError: (error: unknown) => void;
}

export interface EmbeddedLog extends Service {
  readonly log: EventLog;
  readonly intake: Intake;
  readonly relations: RelationJournal;
  /** Removes superseded records and old tombstones; also done at start and daily. */
  compact(): Promise<void>;
}

/**
 * The log, its decider and the journal of relations in `DATA_DIR/log.db`, owned by a thread.
 * Whatever keeps it from writing is `Fault LOG_UNAVAILABLE`, and then nothing was stored.
 */
export function createEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  const { dataDir, clock, onError, memberIds, memberIdKey } = options;
  const appended = createListeners<readonly number[]>(onError);
  const related = createListeners<undefined>(onError);
  let worker: WorkerHandle<LogMethods> | undefined;
  let identity: LogIdentity | undefined;
  let dead = false;

  const call: WorkerHandle<LogMethods>['call'] = async (method, args) => {
    if (worker === undefined) throw new Fault('LOG_UNAVAILABLE');
    try {
      return await worker.call(method, args);
    } catch (error) {
      throw dead ? new Fault('LOG_UNAVAILABLE', { cause: error }) : asFault(error);
    }
  };
  const known = (): LogIdentity => {
    if (identity === undefined) throw new Error('the log has not been started');
    return identity;
  };
  const house = createHousekeeping({
    compact: () => call('compact', { at: clock.now() }),
    wake: () => call('wake', { at: clock.now() }),
    sweep: () => call('sweep', { at: clock.now() }),
    passTime: () => call('passTime', { at: clock.now() }),
    clock,
    onError,
  });

  return {
    name: 'log',
    compact: house.compact,
    async start() {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      const data: LogWorkerData = {
        path: join(dataDir, 'log.db'),
        rules: { memberIds, memberIdKey },
      };
      worker = startWorker<LogMethods>({
        from: import.meta.url,
        file: './log.worker',
        data,
        onDeath(error) {
          dead = true;
          onError(error);
        },
        onEvent(event) {
          const { partitions, relations } = event as Grown;
          if (partitions.length > 0) appended.tell(partitions);
          if (relations) related.tell(undefined);
        },
      });
      dead = false;
      identity = await call('open', null);
      await house.start();
    },
    async stop() {
      house.stop();
      if (worker === undefined) return;
      await call('close', null).catch(onError);
      await worker.close();
      worker = undefined;
    },
    log: eventLogOf(known, call, appended),
    intake: {
      async submitBundle(submission) {
        const receipt = await call('submitBundle', { submission, at: clock.now() });
        if (receipt.resumed > 0) house.drain().catch(onError);
        return receipt;
      },
      held: (tenant) => call('held', { tenant }),
      submitRecord: (record) => call('submitRecord', { record, at: clock.now() }),
    },
    relations: {
      append: (changes, actor) => call('appendRelations', { changes, actor, at: clock.now() }),
      read: (offset, limit) => call('readRelations', { offset, limit }),
      onAppend: (listener) => related.add(() => listener()),
    },
  };
}

function eventLogOf(
  known: () => LogIdentity,
  call: WorkerHandle<LogMethods>['call'],
  appended: Listeners<readonly number[]>,
): EventLog {
  return {
    get epoch() {
      return known().epoch;
    },
    get partitions() {
      return known().partitions;
    },
    startAt: () => Promise.resolve(),
    read: (partition, offset, limit) => call('read', { partition, offset, limit }),
    ends: () => call('ends', null),
    onAppend: appended.add,
  };
}

interface Listeners<T> {
  readonly add: (listener: (value: T) => void) => () => void;
  tell(value: T): void;
}

/** One listener that throws never keeps the others from hearing. */
function createListeners<T>(onError: (error: unknown) => void): Listeners<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(value) {
      for (const listener of listeners) {
        try {
          listener(value);
        } catch (error) {
          onError(error);
        }
      }
    },
  };
}
