/** One step of a replay: a bounded number of records, and where the next step begins. */
export interface ReplayRequest {
  /** Without the installation's prefix. */
  readonly topic: string;
  readonly from: ReplayPoint;
  /** Not itself replayed; default: where the topic ends when the replay begins. */
  readonly to?: ReplayPoint;
  /** Default: the topic itself. */
  readonly into?: string;
  /** What the step before answered as `next`. */
  readonly next?: ReplayPlaces;
}

/** An offset of every partition, or a time (ISO 8601). */
export type ReplayPoint = { readonly offset: number } | { readonly time: string };

/** By partition, what is left: from the first of the two offsets, up to before the second. */
export type ReplayPlaces = readonly (readonly [from: number, to: number])[];

export interface ReplayStep {
  readonly sent: number;
  /** Already replays of others, or outside of the times asked for. */
  readonly skipped: number;
  /** Absent when all is done. */
  readonly next?: ReplayPlaces;
}
