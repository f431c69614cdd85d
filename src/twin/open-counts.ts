/** How much is open of what is bounded by principal or tenant, on the other instances too. */
export interface OpenCounts {
  /** Told of each change on this instance. */
  note(key: string, open: number): void;
  /** Open on the others, as they said within the last seconds. */
  elsewhere(key: string): number;
  /** Of each bound, what is for this instance: all, or a share while the others cannot be asked. */
  readonly share: number;
}

/** There are no other instances. */
export const ALONE: OpenCounts = { note: () => undefined, elsewhere: () => 0, share: 1 };
