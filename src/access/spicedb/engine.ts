/**
 * What this server asks of SpiceDB, in the words of twin/ports.ts. The embedded library stands
 * behind it, and a real server by gRPC can: `engine-suite.rig.ts` is what each must pass.
 */

import type { ObjectRef, RelationChange, Relationship } from '../../twin/ports.ts';

export type Consistency =
  | { readonly kind: 'full' }
  /** At a revision no older than that of the ZedToken. */
  | { readonly kind: 'at-least'; readonly zedToken: string };

export interface CheckQuery {
  readonly subject: ObjectRef;
  readonly permission: string;
  readonly object: ObjectRef;
}

export interface CheckAnswers {
  /** One an item, in order; conditional answers and errors of an item are `false`. */
  readonly allowed: readonly boolean[];
  /** The revision at which all of them were decided. */
  readonly zedToken: string;
}

export interface LookupQuery {
  readonly subject: ObjectRef;
  readonly permission: string;
  /** Object type. */
  readonly type: string;
  readonly limit: number;
  readonly cursor?: string;
}

export interface LookupPage {
  readonly ids: readonly string[];
  /** Where the next page begins; absent on the last one. */
  readonly cursor?: string;
}

export interface RelationFilter {
  readonly type: string;
  readonly id?: string;
  readonly relation?: string;
  readonly subject?: { readonly type: string; readonly id?: string };
}

export interface Precondition {
  readonly must: 'match' | 'not-match';
  readonly filter: RelationFilter;
}

/** One committed write, in commit order. */
export interface WatchUpdate {
  readonly changes: readonly RelationChange[];
  readonly zedToken: string;
}

export interface WatchListener {
  onUpdate(update: WatchUpdate): void;
  /** Called once, when the stream ends by itself or fails: nothing more will come. */
  onEnd(error: Error): void;
}

/** Every call throws plain errors with upstream text: callers make faults of them. */
export interface Engine {
  /** How many checks it answers side by side; more than that wait, and go together. No bound. */
  readonly checksAtOnce?: number;
  check(items: readonly CheckQuery[], consistency: Consistency): Promise<CheckAnswers>;
  lookupResources(query: LookupQuery, consistency: Consistency): Promise<LookupPage>;
  /**
   * All or nothing; answers the ZedToken of the commit. At most one change of a relationship.
   * @throws when a precondition does not hold, a word is not in the schema, or nobody answers.
   */
  write(
    changes: readonly RelationChange[],
    preconditions?: readonly Precondition[],
  ): Promise<string>;
  /** Fully consistent; expired relationships are left out. */
  read(filter: RelationFilter): Promise<Relationship[]>;
  /** Commits after the revision `from`, or from now on. */
  watch(listener: WatchListener, from?: string): { cancel(): void };
  close(): Promise<void>;
}
