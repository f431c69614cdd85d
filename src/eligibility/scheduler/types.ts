/** Words of the scheduler. Times are milliseconds of one monotonic clock, given with each call. */

/** Who waits: a person, a service that is told later, a file of many. */
export const CLASSES = ['live', 'async', 'batch'] as const;
export type CheckClass = (typeof CLASSES)[number];

/** One check that wants a slot. */
export interface Ticket {
  readonly id: string;
  readonly class: CheckClass;
  readonly tenant: string;
  readonly payer: string;
  /** When it began to wait; kept through retries. */
  readonly since: number;
  /** From then on it is of no use to anybody: `expire` gives it back. */
  readonly until: number;
}

export interface SchedulerSettings {
  /** Calls that may be open at the clearinghouse at once. */
  readonly slots: number;
  readonly weights: Readonly<Record<CheckClass, number>>;
  /** Of a tenant within its class; 1 or more. */
  readonly tenantWeight: (tenant: string) => number;
  /** Of the slots, what one payer may hold at most, so that a payer that stalls takes no more. */
  readonly payerShare: number;
  /** Of the slots, what is kept for live checks while there have been any lately. */
  readonly liveShare: number;
  /** A live check within this time counts as lately. */
  readonly liveWindowMs: number;
  /** Slot-time that a share of weight 1 gets a round. */
  readonly quantumMs: number;
  /** No call holds a slot for longer. */
  readonly holdMsMax: number;
  /** From then on a check is old, by class; every `agedEvery`th grant goes to the oldest of these. */
  readonly ageMs: Readonly<Record<CheckClass, number>>;
  readonly agedEvery: number;
  /** Checks that may wait, by class, and of one tenant in one class. */
  readonly waitingMax: Readonly<Record<CheckClass, number>>;
  readonly tenantWaitingMax: number;
  /** Whoever would have to wait for longer is refused at once. */
  readonly waitMsMax: Readonly<Record<CheckClass, number>>;
  /** What a payer takes before anything of it is known. */
  readonly estimateMs: number;
  readonly breaker: BreakerSettings;
  readonly recovery: RecoverySettings;
}

export interface BreakerSettings {
  /** Of the newest `window` outcomes of a payer, with `least` at hand, this share of failures opens. */
  readonly window: number;
  readonly least: number;
  readonly failures: number;
  /** First and longest time that it stays open; doubled each time that the probe fails. */
  readonly openMs: number;
  readonly openMsMax: number;
}

export interface RecoverySettings {
  /** After so long without a refusal one slot more is tried; doubled when that is refused. */
  readonly afterMs: number;
  readonly afterMsMax: number;
}

export const SCHEDULER_DEFAULTS: SchedulerSettings = {
  slots: 15,
  weights: { live: 8, async: 3, batch: 1 },
  tenantWeight: () => 1,
  payerShare: 0.6,
  liveShare: 0.06,
  liveWindowMs: 60_000,
  quantumMs: 4_000,
  holdMsMax: 95_000,
  ageMs: { live: 30_000, async: 10 * 60_000, batch: 60 * 60_000 },
  agedEvery: 8,
  waitingMax: { live: 1_000, async: 20_000, batch: 50_000 },
  tenantWaitingMax: 20_000,
  waitMsMax: { live: 2 * 60_000, async: 2 * 3_600_000, batch: 24 * 3_600_000 },
  estimateMs: 3_300,
  breaker: { window: 20, least: 5, failures: 0.5, openMs: 15_000, openMsMax: 5 * 60_000 },
  recovery: { afterMs: 20_000, afterMsMax: 10 * 60_000 },
};

/** How a call ended, as far as slots and payers are concerned. */
export type Ending =
  /** The payer answered, whatever it said. */
  | 'answered'
  /** The payer could not be reached, or said that it cannot answer now. */
  | 'payer-failed'
  /** The clearinghouse had no slot for it: nothing was asked. */
  | 'throttled'
  /** It was never sent, or tells nothing of the payer. */
  | 'unsaid';

export type Offered =
  | { readonly taken: true; readonly expectedWaitMs: number }
  | { readonly taken: false; readonly why: Refusal; readonly expectedWaitMs: number };

/** `full`: too many wait; `tenant-full`: too many of this tenant; `too-long`: it would wait too long. */
export type Refusal = 'full' | 'tenant-full' | 'too-long';

export interface SchedulerStatus {
  /** What there may be at once now, of how many. */
  readonly slots: number;
  readonly slotsMax: number;
  readonly inUse: number;
  readonly inUseBy: Readonly<Record<CheckClass, number>>;
  readonly waiting: Readonly<Record<CheckClass, number>>;
  readonly payers: readonly PayerStatus[];
}

export interface PayerStatus {
  readonly payer: string;
  readonly inUse: number;
  readonly waiting: number;
  readonly cap: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly estimateMs: number;
}
