/** The audit's rows as they are kept, shipped and proven; AuditEvents are rendered from them. */

/** Who, by the verified token: never the token itself, only its id. */
export interface RowAgent {
  readonly kind: 'user' | 'agent';
  readonly subject: string;
  readonly client: string;
  /** The agent that acted for the subject. */
  readonly actor?: string;
  /** Everybody in the `act` chain, outermost first, where there is more than one. */
  readonly actors?: readonly string[];
  readonly tenant: string;
  readonly issuer: string;
  readonly token: string;
  /** Sorted, by spaces. */
  readonly scopes: string;
  /** v3-PurposeOfUse code. */
  readonly purpose?: string;
}

/** One who was told by a delivery. */
export interface RowReceiver extends RowAgent {
  readonly stream: string;
  /** Which of the row's `what`, by place; absent: all of them. */
  readonly told?: readonly number[];
}

export interface RowObject {
  readonly uri: string;
  readonly etag?: string;
  readonly variant?: string;
}

export type RowOutcome = 'success' | 'denied' | 'failed';

/** One row: opaque ids alone, never a value of a record, a token or a name. */
export interface AuditRow {
  readonly v: 2;
  /** ISO 8601 in UTC, to the millisecond; never earlier than that of the row before. */
  readonly at: string;
  readonly action: string;
  readonly outcome: RowOutcome;
  /** Correlation id: answer, log line and row find each other by it. */
  readonly id: string;
  readonly who?: RowAgent;
  readonly to?: readonly RowReceiver[];
  readonly what: readonly RowObject[];
  /** Permission and revision, or the rule that refused. */
  readonly why: string;
  /** How many of the same this row stands for. */
  readonly count?: number;
  readonly bytes?: number;
}

/** Actions of the trail itself; their rows are about nobody. */
export const TRAIL_ACTIONS = ['opened', 'clock'] as const;

/** A row with its place: the index counts from 1 within its generation. */
export interface PlacedRow {
  readonly generation: string;
  readonly index: number;
  readonly body: string;
}

/**
 * What is hashed as a leaf: the place stands before the body, so that no row can be moved,
 * repeated, or shown as one of another log.
 */
export function leafText({ generation, index, body }: PlacedRow): string {
  return `${generation} ${index}\n${body}`;
}
