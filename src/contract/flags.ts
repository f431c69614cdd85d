/** A flag of the running server, as operators see it. */
export interface FlagState {
  readonly name: string;
  readonly value: string;
  /** Where the value comes from: `default`, or the provider's name (`file`). */
  readonly source: string;
  readonly values: readonly string[];
  readonly says: string;
}

export interface FlagStates {
  readonly flags: readonly FlagState[];
  /** Why the file is not what is in force; absent where it is, or where there is none. */
  readonly problem?: string;
}
