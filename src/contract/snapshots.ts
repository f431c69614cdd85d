/** A copy of the view that new instances may start from, as operators see it. */
export interface Snapshot {
  readonly name: string;
  /** Of what it is; absent where its manifest cannot be read. */
  readonly of?: {
    readonly bytes: number;
    /** ISO 8601 in UTC. */
    readonly createdAt: string;
    /** When it last had everything that the log had; too old, it is of no use any more. */
    readonly completeAt: string;
    readonly epoch: string;
    readonly projection: number;
  };
  /** Why this instance would not start from it; absent where it would. */
  readonly refused?: string;
}
