/** A record that waits, or that was refused; without anything of its content. */
export interface HeldRecord {
  readonly type: string;
  readonly source: string;
  /** Id of the event that brought it. */
  readonly eventId: string;
  readonly line?: number;
  readonly entry: number;
  /** ISO 8601: waiting since, or refused at. */
  readonly at: string;
}

/**
 * The log is away and this instance's outbox has the submission: durable here, and to be read only
 * once the log has it.
 */
export interface HeldReceipt {
  readonly held: true;
  readonly eventId: string;
}

export interface HeldRecords {
  readonly waiting: {
    readonly count: number;
    readonly bytes: number;
    /** The oldest ones; `needs` names types, never an identifier. */
    readonly records: readonly (HeldRecord & { readonly needs: readonly string[] })[];
  };
  readonly refused: {
    readonly count: number;
    /** The newest ones. */
    readonly records: readonly (HeldRecord & { readonly path: string; readonly reason: string })[];
  };
  /** Whole submissions that this instance holds until the log is back; absent without any. */
  readonly outbox?: {
    readonly count: number;
    readonly bytes: number;
    /** ISO 8601: of the oldest one. */
    readonly since: string;
  };
  /** The log cannot be asked: of what waits and was refused, only what this instance knows. */
  readonly logAway?: true;
}
