import { mkdirSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { partitionOf } from '../kernel/murmur2.ts';
import { openForReading } from '../kernel/sqlite.ts';
import { startWorker, type WorkerHandle } from '../kernel/worker.ts';
import type { ChangeBus, EventLog, View, ViewChange, ViewShard } from '../twin/ports.ts';
import { partitionKey } from '../twin/subjects.ts';
import type { Applied, Batch } from './apply.ts';
import { createFeeder, type Feeder } from './feeder.ts';
import { createShard } from './shard.ts';
import { createWaiters } from './waiters.ts';
import { type LogState, type ViewWriter, viewPath } from './writer.ts';

export interface ViewWorkerData {
  readonly dataDir: string;
  readonly etagKey: Uint8Array;
  readonly projection: string | undefined;
}

export type ViewMethods = {
  open(log: LogState): Promise<Pick<ViewWriter, 'places' | 'rebuilding'>>;
  apply(args: { batch: Batch; at: number }): Applied;
  finish(args: { at: number }): ViewChange[];
  close(args: null): void;
};

export interface ViewOptions {
  /** The view is `view.db` in it. */
  readonly dataDir: string;
  /** Started before this view. */
  readonly log: EventLog;
  readonly bus: ChangeBus;
  /** The deployment's key; etags are the same wherever it is. */
  readonly etagKey: Uint8Array;
  readonly clock: Clock;
  /** Told of what keeps the view from following the log, and of projections that fail. */
  readonly onError: (error: unknown) => void;
  /** After each batch that was followed: seconds since its newest record was accepted. */
  readonly onLag?: (seconds: number) => void;
  readonly batchSize?: number;
  /** URL of a module with `project` and `PROJECTION_VERSION`, in place of twin/project.ts. */
  readonly projection?: string;
}

const BATCH_SIZE = 500;

/**
 * The view of the whole log in `DATA_DIR/view.db`: a thread writes, this thread reads what is
 * committed. Once started it holds everything that the log had, and follows it from there.
 */
export function createView(options: ViewOptions): View & Service {
  const { dataDir, log, bus, etagKey, clock, onError, projection } = options;
  const waiters = createWaiters(clock);
  const following = { log, clock, onError, batchSize: options.batchSize ?? BATCH_SIZE };
  let worker: WorkerHandle<ViewMethods> | undefined;
  let feeder: Feeder | undefined;
  let db: DatabaseSync | undefined;
  let shard: ViewShard | undefined;

  const open = (): ViewShard => {
    if (shard === undefined) throw new Error('the view has not been started');
    return shard;
  };
  const read = (partitions: number): void => {
    db = openForReading(viewPath(dataDir));
    shard = createShard(db, partitions);
  };
  /** Told only after the commit: whoever hears of a change can read it. */
  const tell = (changes: readonly ViewChange[]): void => {
    if (changes.length > 0) bus.publish(changes);
  };
  const applyWith =
    (handle: WorkerHandle<ViewMethods>, quiet: () => boolean) =>
    async (batch: Batch): Promise<void> => {
      const { changes, failures } = await handle.call('apply', { batch, at: clock.now() });
      for (const { subject, message } of failures) {
        onError(new Error(`the projection of ${subject} failed`, { cause: message }));
      }
      if (quiet()) return;
      tell(changes);
      waiters.reached(batch.partition, batch.upTo);
      if (batch.records.length > 0) options.onLag?.(lagSeconds(batch, clock.now()));
    };

  return {
    name: 'view',
    async start() {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      const data: ViewWorkerData = { dataDir, etagKey, projection };
      worker = startWorker({
        from: import.meta.url,
        file: './view.worker',
        data,
        onDeath: onError,
      });
      const { epoch, partitions } = log;
      const opened = await worker.call('open', { epoch, partitions, ends: await log.ends() });
      let building = opened.rebuilding;
      const apply = applyWith(worker, () => building);
      feeder = createFeeder({ ...following, places: opened.places, apply });
      if (!building) read(partitions);
      await feeder.catchUp();
      if (building) {
        const changes = await worker.call('finish', { at: clock.now() });
        building = false;
        read(partitions);
        tell(changes);
      }
      feeder.follow();
    },
    async stop() {
      waiters.end();
      await feeder?.stop();
      db?.close();
      await worker?.call('close', null).catch(onError);
      await worker?.close();
      shard = undefined;
      db = undefined;
      worker = undefined;
    },
    get epoch() {
      return log.epoch;
    },
    get partitions() {
      return log.partitions;
    },
    partitionOf: (subject) => partitionOf(partitionKey(subject), log.partitions),
    for: () => open(),
    shards: () => [open()],
    async waitFor(place, timeoutMs) {
      if (open().applied(place.partition) >= place.offset) return true;
      return await waiters.wait(place, timeoutMs);
    },
  };
}

/** From the log's acceptance of the newest record to its being readable. */
function lagSeconds({ records }: Batch, nowMs: number): number {
  return (nowMs - Date.parse(records.at(-1)?.provenance.recorded ?? '')) / 1000;
}
