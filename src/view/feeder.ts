import type { Clock } from '../kernel/clock.ts';
import type { EventLog } from '../twin/ports.ts';
import type { Batch } from './apply.ts';

export interface FeederOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  /** Records read and applied at a time. */
  readonly batchSize: number;
  /** The last applied offset by partition. */
  readonly places: readonly number[];
  apply(batch: Batch): Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Carries records from the log to the view: one batch of a partition at a time, in order. */
export interface Feeder {
  /** Applies all that the log has at this moment. @throws whatever keeps it from that. */
  catchUp(): Promise<void>;
  /** From now on follows the log; an error is told, and tried again later from the same place. */
  follow(): void;
  stop(): Promise<void>;
}

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 5_000;

export function createFeeder(options: FeederOptions): Feeder {
  const { log, clock, batchSize, apply, onError } = options;
  const next = options.places.map((offset) => offset + 1);
  const running = new Map<number, Promise<void>>();
  const grown = new Set<number>();
  const pauses = new Set<() => void>();
  let stopped = false;
  let unfollow = (): void => undefined;
  const readAll: EventLog['read'] = (...asked) => log.read(...asked);
  const readTold: EventLog['read'] = (...asked) => log.readTold?.(...asked) ?? readAll(...asked);

  /** @param read of whoever catches up, or follows */
  async function drain(partition: number, read = readAll): Promise<void> {
    while (!stopped) {
      const records = await read(partition, next[partition] ?? 0, batchSize);
      const last = records.at(-1);
      if (last === undefined || stopped) return;
      await apply({ partition, records, upTo: last.offset });
      next[partition] = last.offset + 1;
    }
  }

  /** What stands between the last record and the end was compacted, or is the log's own. */
  async function reach(end: number, partition: number): Promise<void> {
    await drain(partition);
    if ((next[partition] ?? 0) >= end) return;
    await apply({ partition, records: [], upTo: end - 1 });
    next[partition] = end;
  }

  async function followOne(partition: number): Promise<void> {
    let backoffMs = BACKOFF_FIRST_MS;
    while (!stopped && grown.delete(partition)) {
      try {
        await drain(partition, readTold);
        backoffMs = BACKOFF_FIRST_MS;
      } catch (error) {
        if (stopped) return;
        onError(error);
        grown.add(partition);
        await pause(backoffMs);
        backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
      }
    }
    running.delete(partition);
  }

  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(delayMs, () => resume());
      const resume = (): void => {
        timer.cancel();
        pauses.delete(resume);
        resolve();
      };
      pauses.add(resume);
    });
  }

  function wake(partitions: readonly number[]): void {
    for (const partition of partitions) {
      grown.add(partition);
      if (!running.has(partition) && !stopped) running.set(partition, followOne(partition));
    }
  }

  return {
    async catchUp() {
      await log.startAt(next);
      const ends = await log.ends();
      await Promise.all(ends.map(reach));
    },
    follow() {
      unfollow = log.onAppend(wake);
      // What was appended between catching up and following.
      wake(next.map((_, partition) => partition));
    },
    async stop() {
      stopped = true;
      unfollow();
      for (const resume of pauses) resume();
      await Promise.all(running.values());
    },
  };
}
