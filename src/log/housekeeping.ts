import type { Clock, Timer } from '../kernel/clock.ts';

export interface HousekeepingOptions {
  compact(): Promise<void>;
  /** Answers whether there may be more. */
  wake(): Promise<boolean>;
  /** Answers how many it refused. */
  sweep(): Promise<number>;
  /** Tells who is concerned that a day has come; answers whether there may be more. */
  passTime(): Promise<boolean>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** What a log does by itself, in small steps between which others' calls come. */
export interface Housekeeping {
  compact(): Promise<void>;
  /** Lets in what waited and is ready. */
  drain(): Promise<void>;
  /** Does all of it once, and then by the clock. */
  start(): Promise<void>;
  stop(): void;
}

const COMPACTION_EVERY_MS = 24 * 3_600_000;
const SWEEP_EVERY_MS = 3_600_000;
const CLOCK_EVERY_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;

export function createHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { compact, wake, clock, onError } = options;
  const timers = new Map<number | 'day', Timer>();
  let stopped = false;
  const drain = async (): Promise<void> => {
    while (!stopped && (await wake()));
  };
  const sweep = async (): Promise<void> => {
    let overdue = 0;
    for (let swept = 1; swept > 0; overdue += swept) swept = await options.sweep();
    if (overdue > 0) onError(new Error(`${overdue} records waited for a day and are refused`));
  };
  const passTime = async (): Promise<void> => {
    while (!stopped && (await options.passTime()));
  };
  const daily = (): void => {
    const leftMs = DAY_MS - (clock.now() % DAY_MS);
    const again = (): void => {
      passTime().catch(onError);
      daily();
    };
    // A clock that was put forward, or a machine that slept, is noticed within the hour.
    timers.set('day', clock.after(Math.min(leftMs, CLOCK_EVERY_MS), again));
  };
  const every = (periodMs: number, task: () => Promise<void>): void => {
    const again = (): void => {
      task().catch(onError);
      every(periodMs, task);
    };
    timers.set(periodMs, clock.after(periodMs, again));
  };
  return {
    compact,
    drain,
    async start() {
      stopped = false;
      for (const task of [compact, passTime, drain, sweep]) await task().catch(onError);
      every(COMPACTION_EVERY_MS, compact);
      every(SWEEP_EVERY_MS, sweep);
      daily();
    },
    stop() {
      stopped = true;
      for (const timer of timers.values()) timer.cancel();
    },
  };
}
