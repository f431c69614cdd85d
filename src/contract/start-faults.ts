/** What keeps a server from starting, or will trouble it, with what mends it. */
export interface StartFault {
  /** Setting or part: `KAFKA_BROKERS`, `DATA_DIR`, `clock`. */
  readonly part: string;
  /** In our own words: no upstream text, no secret. */
  readonly what: string;
  /** A command, or what to do. */
  readonly mend: string;
  /** It starts all the same, and is right, but not as it was meant. */
  readonly warning?: true;
}
