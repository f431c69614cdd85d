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
import { MEND } from './damaged.ts';
import { createHousekeeping } from './housekeeping.ts';
import type { DecidingRules } from './identity.ts';
import type { LogIdentity } from './schema.ts';
import type { RecordSubmission } from './store.ts';

export interface LogWorkerData {
  readonly path: string;
  readonly rules: DecidingRules;
}

export type LogMethods = {
  /** `damage`: what is wrong with the file, which then is only read, and only its relations. */
  open(args: null): LogIdentity & { readonly damage: string | undefined };
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
  purge(args: null): void;
  passTime(args: { at: number }): boolean;
  close(args: null): void;
};

/** Told by the thread when it meets damage. */
export interface Damaged {
  readonly damage: string;
}

/** For whoever operates the server: it goes on, with what its view has. */
export class LogDamaged extends Error {
  constructor(damage: string) {
    super(`log.db is damaged (${damage}): nothing is taken until it is restored: ${MEND}`);
    this.name = 'LogDamaged';
  }
}

export interface EmbeddedLogOptions extends DecidingRules {
  /** Created where it does not exist; the log is `log.db` in it. */
  readonly dataDir: string;
  readonly clock: Clock;
  /**
   * Told when a daily compaction fails, records waited in vain, the file is damaged (`LogDamaged`),
   * or the thread dies: what only an operator can mend.
   */
  readonly onError: (error: unknown) => void;
}

export interface EmbeddedLog extends Service {
  readonly log: EventLog;
  readonly intake: Intake;
  readonly relations: RelationJournal;
  /** Removes superseded records and old tombstones; also done at start and daily. */
  compact(): Promise<void>;
  /** Leaves no byte of what was forgotten in `log.db`; takes as long as writing the file anew. */
  purge(): Promise<void>;
}

/**
 * The log, its decider and the journal of relations in `DATA_DIR/log.db`, owned by a thread.
 * Whatever keeps it from writing is `Fault LOG_UNAVAILABLE`, and then nothing was stored.
 */
export function createEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  const { dataDir, clock, onError, memberIds, memberIdKey, etagKey } = options;
  const appended = createListeners<readonly number[]>(onError);
  const related = createListeners<undefined>(onError);
  let worker: WorkerHandle<LogMethods> | undefined;
  let identity: LogIdentity | undefined;
  let dead = false;
  let isDamaged = false;

  const call: WorkerHandle<LogMethods>['call'] = async (method, args) => {
    if (worker === undefined) throw new Fault('LOG_UNAVAILABLE');
    try {
      return await worker.call(method, args);
    } catch (error) {
      throw dead ? new Fault('LOG_UNAVAILABLE', { cause: error }) : asFault(error);
    }
  };
  const found = ({ damage }: Damaged): void => {
    isDamaged = true;
    house.stop();
    onError(new LogDamaged(damage));
  };
  const heard = (event: Grown | Damaged): void => {
    if ('damage' in event) found(event);
    else {
      if (event.partitions.length > 0) appended.tell(event.partitions);
      if (event.relations) related.tell(undefined);
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
    purge: () => call('purge', null),
    async start() {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      const rules = { memberIds, memberIdKey, etagKey };
      const data: LogWorkerData = { path: join(dataDir, 'log.db'), rules };
      worker = startWorker<LogMethods>({
        from: import.meta.url,
        file: './log.worker',
        data,
        onDeath(error) {
          dead = true;
          onError(error);
        },
        onEvent: (event) => heard(event as Grown | Damaged),
      });
      dead = false;
      isDamaged = false;
      const { damage, ...opened } = await call('open', null);
      identity = opened;
      if (damage === undefined) await house.start();
      else found({ damage });
    },
    async stop() {
      house.stop();
      if (worker === undefined) return;
      await call('close', null).catch(onError);
      await worker.close();
      worker = undefined;
    },
    log: eventLogOf(known, () => isDamaged, call, appended),
    intake: intakeOf(call, clock, () => void house.drain().catch(onError)),
    relations: {
      append: (changes, actor) => call('appendRelations', { changes, actor, at: clock.now() }),
      read: (offset, limit) => call('readRelations', { offset, limit }),
      onAppend: (listener) => related.add(() => listener()),
    },
  };
}

function intakeOf(
  call: WorkerHandle<LogMethods>['call'],
  clock: Clock,
  onResumed: () => void,
): Intake {
  return {
    async submitBundle(submission) {
      const receipt = await call('submitBundle', { submission, at: clock.now() });
      if (receipt.resumed > 0) onResumed();
      return receipt;
    },
    held: (tenant) => call('held', { tenant }),
    submitRecord: (record) => call('submitRecord', { record, at: clock.now() }),
  };
}

function eventLogOf(
  known: () => LogIdentity,
  isDamaged: () => boolean,
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
    get damaged() {
      return isDamaged();
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
