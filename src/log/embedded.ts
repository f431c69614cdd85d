import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../kernel/clock.ts';
import { asFault, Fault } from '../kernel/errors.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { startWorker, type WorkerHandle } from '../kernel/worker.ts';
import type {
  BundleSubmission,
  EventLog,
  Intake,
  IntakeReceipt,
  LogRecord,
  Place,
  RelationChange,
  RelationJournal,
} from '../twin/ports.ts';
import type { IdentityRules } from './identity.ts';
import type { LogIdentity } from './schema.ts';
import type { Grown, RecordSubmission } from './store.ts';

export interface LogWorkerData {
  readonly path: string;
  readonly rules: IdentityRules;
}

export type LogMethods = {
  open(args: null): LogIdentity;
  submitBundle(args: { submission: BundleSubmission; at: number }): IntakeReceipt;
  submitRecord(args: { record: RecordSubmission; at: number }): Place;
  read(args: { partition: number; offset: number; limit: number }): LogRecord[];
  ends(args: null): number[];
  appendRelations(args: { changes: readonly RelationChange[]; actor: string; at: number }): number;
  readRelations(args: {
    offset: number;
    limit: number;
  }): { offset: number; change: RelationChange }[];
  compact(args: { at: number }): void;
  close(args: null): void;
};

export interface EmbeddedLogOptions extends IdentityRules {
  /** Created where it does not exist; the log is `log.db` in it. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** Told when a daily compaction fails, or the thread dies: what only an operator can mend. */
  readonly onError: (error: unknown) => void;
}

export interface EmbeddedLog extends Service {
  readonly log: EventLog;
  readonly intake: Intake;
  readonly relations: RelationJournal;
  /** Removes superseded records and old tombstones; also done at start and daily. */
  compact(): Promise<void>;
}

const COMPACTION_EVERY_MS = 24 * 3_600_000;

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
  let daily: Timer | undefined;
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
  const compact = (): Promise<void> => call('compact', { at: clock.now() });
  const compactDaily = (): void => {
    daily = clock.after(COMPACTION_EVERY_MS, () => {
      compact().catch(onError);
      compactDaily();
    });
  };

  return {
    name: 'log',
    compact,
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
      await compact().catch(onError);
      compactDaily();
    },
    async stop() {
      daily?.cancel();
      if (worker === undefined) return;
      await call('close', null).catch(onError);
      await worker.close();
      worker = undefined;
    },
    log: {
      get epoch() {
        return known().epoch;
      },
      get partitions() {
        return known().partitions;
      },
      read: (partition, offset, limit) => call('read', { partition, offset, limit }),
      ends: () => call('ends', null),
      onAppend: appended.add,
    },
    intake: {
      submitBundle: (submission) => call('submitBundle', { submission, at: clock.now() }),
      submitRecord: (record) => call('submitRecord', { record, at: clock.now() }),
    },
    relations: {
      append: (changes, actor) => call('appendRelations', { changes, actor, at: clock.now() }),
      read: (offset, limit) => call('readRelations', { offset, limit }),
      onAppend: (listener) => related.add(() => listener()),
    },
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
