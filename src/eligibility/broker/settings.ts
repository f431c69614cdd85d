import type { CheckClass, SchedulerSettings } from '../scheduler/index.ts';

export interface BrokerSettings {
  readonly scheduler: SchedulerSettings;
  /** From the commit of `running` to the socket; whoever was paused for longer does not call. */
  readonly startMsMax: number;
  /** Clocks of two instances may differ this far. */
  readonly skewMs: number;
  /** A check without an answer is timed out after this. */
  readonly lifeMs: Readonly<Record<CheckClass, number>>;
  readonly retries: RetrySettings;
  /** How often deadlines are looked at. */
  readonly tickMs: number;
}

export interface RetrySettings {
  /** Calls of one check at most, those that were refused for want of a slot not counted. */
  readonly callsMax: Readonly<Record<CheckClass, number>>;
  /** Where a person waits: before the second call, and before each one after it. */
  readonly liveMs: readonly [number, ...number[]];
  /**
   * Elsewhere, the clearinghouse's advice for scheduled checks: `firstMs` doubled each time, at
   * most `mostMs`, and up to `spreadMs` more at random.
   */
  readonly firstMs: number;
  readonly mostMs: number;
  readonly spreadMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const BROKER_DEFAULTS: Omit<BrokerSettings, 'scheduler'> = {
  startMsMax: 2_000,
  skewMs: 1_000,
  lifeMs: { live: 5 * MINUTE_MS, async: 2 * HOUR_MS, batch: 24 * HOUR_MS },
  retries: {
    callsMax: { live: 3, async: 5, batch: 6 },
    liveMs: [1_000, 4_000],
    firstMs: 2 * MINUTE_MS,
    mostMs: 8 * HOUR_MS,
    spreadMs: 30_000,
  },
  tickMs: 1_000,
};
