import { join } from 'node:path';
import type { Snapshot } from '../contract/snapshots.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { partitionOf } from '../kernel/murmur2.ts';
import type { ChangeBus, EventLog, View, ViewShard } from '../twin/ports.ts';
import { partitionKey } from '../twin/subjects.ts';
import { createKnownEnds } from './known-ends.ts';
import { Life } from './life.ts';
import { createWaiters } from './waiters.ts';

export interface ViewOptions {
  /** The view is `view.db` in it. */
  readonly dataDir: string;
  /** Where snapshots are made, and looked for where there is no view yet; `snapshots` in `dataDir`. */
  readonly snapshotDir?: string | undefined;
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

/** Copies of the view from which new instances start. */
export interface Snapshots {
  /** One at a time: whoever asks while one is made gets that one. */
  create(): Promise<Snapshot>;
  list(): Promise<Snapshot[]>;
}

export interface OwnView extends View, Service {
  readonly snapshots: Snapshots;
  /** Leaves no byte of what was deleted in `view.db`, and none of the snapshots. */
  purge(): Promise<{ readonly snapshotsRemoved: number }>;
  /** Somebody was forgotten: what was deleted is to leave no trace (`purge`). */
  onForgotten(listener: () => void): () => void;
  /** Snapshots of these names. */
  removeSnapshots(names: readonly string[]): Promise<void>;
}

const BATCH_SIZE = 500;

/**
 * The view of the whole log in `DATA_DIR/view.db`: a thread writes, this thread reads what is
 * committed. Once started it holds everything that the log had, and follows it from there.
 */
export function createView(options: ViewOptions): OwnView {
  const { dataDir, log, clock } = options;
  const waiters = createWaiters(clock);
  const ends = createKnownEnds(log, clock);
  let life: Life | undefined;
  let making: Promise<Snapshot> | undefined;
  const listeners = new Set<() => void>();

  const alive = (): Life => {
    if (life === undefined) throw new Error('the view has not been started');
    return life;
  };
  const shard = (): ViewShard => alive().shard;
  return {
    name: 'view',
    async start() {
      life = new Life({
        ...options,
        waiters,
        snapshotDir: options.snapshotDir ?? join(dataDir, 'snapshots'),
        batchSize: options.batchSize ?? BATCH_SIZE,
        onLag: options.onLag ?? (() => undefined),
        onForgotten() {
          for (const listener of listeners) listener();
        },
        projection: options.projection,
      });
      await life.start();
    },
    async stop() {
      waiters.end();
      await making?.catch(() => undefined);
      await life?.stop();
      life = undefined;
    },
    async purge() {
      await making?.catch(() => undefined);
      return await alive().purge();
    },
    onForgotten(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    removeSnapshots: (names) => alive().removeSnapshots(names),
    snapshots: {
      create() {
        making ??= alive()
          .createSnapshot()
          .finally(() => {
            making = undefined;
          });
        return making;
      },
      list: () => alive().listSnapshots(),
    },
    get epoch() {
      return log.epoch;
    },
    get partitions() {
      return log.partitions;
    },
    partitionOf: (subject) => partitionOf(partitionKey(subject), log.partitions),
    for: shard,
    shards: () => [shard()],
    async waitFor(place, timeoutMs) {
      if (shard().applied(place.partition) >= place.offset) return true;
      // Waiting begins at once: what is applied while the log is asked must not be missed.
      const reached = waiters.wait(place, timeoutMs);
      const never = ends
        .isPast(place)
        .then((past) => (past ? Promise.reject(pastTheEnd()) : reached));
      return await Promise.race([reached, never]);
    },
  };
}

function pastTheEnd(): Fault {
  return new Fault('INVALID_ARGUMENT', {
    detail: 'The position is past the end of the log: nothing was ever written there.',
    data: { pastEnd: true },
  });
}
