/** What a channel log keeps. It is a cache of the log of events: what it lost is said, not guessed. */
export interface LogBounds {
  /** Entries of one stream. */
  readonly entriesMax: number;
  /** How long after its last entry a stream is kept, ms. */
  readonly dataMs: number;
  /** Longer than that: so that a stream that is gone is told from one that never was. */
  readonly metaMs: number;
  /** How long a second event of the same key has no effect, ms. */
  readonly dedupMs: number;
  /** Entries that one replay has at most. */
  readonly replayMax: number;
}

const HOUR_MS = 3_600_000;

export const LOG_BOUNDS: LogBounds = {
  entriesMax: 1_000,
  dataMs: 24 * HOUR_MS,
  metaMs: 7 * 24 * HOUR_MS,
  dedupMs: 24 * HOUR_MS,
  replayMax: 500,
};

/** Stream names stand in keys and in messages of lines: whatever is no name of ours is none. */
const STREAM =
  /^(?:(?:member|session):[A-Za-z0-9-]{1,64}|pusher:[A-Za-z0-9_-]{1,64}:[\x21-\x7e]{1,200})$/;

export function isStream(name: string): boolean {
  return STREAM.test(name);
}
