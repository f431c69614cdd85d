/** What operators say and hear about keeping and letting go; in HTTP, SDK and command alike. */

/** A member whose records are kept, whatever else would let them go. */
export interface Hold {
  readonly member: string;
  /** In the operator's words; none of the member's. */
  readonly reason: string;
  /** ISO 8601 in UTC. */
  readonly since: string;
  /** Who set it. */
  readonly by: string;
}

/** Where bytes of a member may still be. */
export interface Remains {
  readonly where: string;
  readonly what: string;
  /** Until when, or on what condition. */
  readonly until: string;
}

export interface Forgotten {
  readonly members: readonly string[];
  /** Relations of theirs that were taken back. */
  readonly relations: number;
  /** Snapshots of the view that were removed: each of them held whoever was forgotten since. */
  readonly snapshotsRemoved: number;
  /** Files of this instance that were written anew. */
  readonly purged: readonly string[];
  readonly remains: readonly Remains[];
}

/** What is kept in one store, for how long, and who lets it go. */
export interface Retained {
  /** File in the data directory, topic, or place outside. */
  readonly store: string;
  readonly holds: string;
  /** `P30D`: an ISO 8601 duration; or what decides. */
  readonly kept: string;
  /** Who lets it go: the server by itself, Kafka, `digital-twin retain`, or the operator. */
  readonly by: 'server' | 'kafka' | 'retain' | 'operator';
  /** What is left of a member after `forget`, and until when; empty: nothing. */
  readonly afterForget: string;
}

/** What `retain` found in one store. */
export interface RetentionStep {
  readonly store: string;
  /** How many are past their time; absent where others keep the count. */
  readonly due?: number;
  /** How many were deleted; 0 in a dry run. */
  readonly deleted: number;
  readonly says: string;
}

export interface RetentionReport {
  readonly dryRun: boolean;
  /** While any member of the tenant is held, copies and trails stay. */
  readonly holds: number;
  readonly steps: readonly RetentionStep[];
  readonly table: readonly Retained[];
}
