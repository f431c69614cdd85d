/** A sealed copy of what one instance holds. */
export interface BackupMade {
  readonly name: string;
  /** ISO 8601 in UTC. */
  readonly createdAt: string;
  /** Of the log; a restored one gets another. */
  readonly epoch?: string | undefined;
  /** In the order in which they were copied. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

export interface Restored extends BackupMade {
  /** Of the log, from now on. */
  readonly newEpoch?: string;
  /** What the audit trail says of itself. */
  readonly audit: string;
}
