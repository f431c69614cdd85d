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
}
