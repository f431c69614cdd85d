/** A piece of work that somebody follows: they may give it up, and hear how far it has come. */
export interface Work {
  readonly signal: AbortSignal;
  /** `done` of `total` steps; told in rising order. */
  tell(done: number, total: number, message: string): void;
}

/** Nobody follows. */
export const UNFOLLOWED: Work = { signal: new AbortController().signal, tell: () => undefined };
