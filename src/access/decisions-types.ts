import type { Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type {
  Access,
  AccessChange,
  CheckItem,
  ObjectRef,
  Principal,
  RelationChange,
  Relationship,
} from '../twin/ports.ts';
import type { Explanation } from './decisions-explain.ts';
import type { Engine } from './spicedb/engine.ts';

export interface DecisionsOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Watch broke and is tried again (checks go on, fully consistent), or a listener threw. */
  readonly onTrouble?: (error: unknown) => void;
  /** One answer that a decision rests on: from the cache or asked. */
  readonly onDecision?: (hit: boolean) => void;
}

/** What the relations writer tells and asks, in the process where it runs. */
export interface WriterSide {
  /**
   * SpiceDB has committed these, up to this offset of the journal: `us` all of the batch, `another`
   * writer these among more.
   */
  committed(changes: readonly RelationChange[], offset: number, by?: 'us' | 'another'): void;
  /**
   * SpiceDB has not committed these, at or before this offset of the journal: what the deletes
   * among them name is denied until it has.
   */
  withhold(changes: readonly RelationChange[], offset: number): void;
  /** Relationships past their expiration that nobody has deleted yet. */
  expired(): readonly Relationship[];
  hasExpired(relationship: Relationship): boolean;
  onExpired(listener: () => void): () => void;
}

export interface Decisions extends Access, Service, WriterSide {
  /** Whether Watch is alive and past all own writes; while not, every check is fully consistent. */
  readonly sure: boolean;
  /** Tells the listeners of `onChange` of a change that relations do not show (a token revoked). */
  announce(change: AccessChange): void;
  /** @throws Fault ACCESS_UNAVAILABLE */
  explain(subject: ObjectRef, permission: string, object: ObjectRef): Promise<Explanation>;
  /**
   * Whether a person's agent is trusted with this: by the person, and by the tenant's policy. Empty
   * where no agent ever is. @throws Fault ACCESS_UNAVAILABLE
   */
  explainTrust(
    person: ObjectRef,
    agent: { readonly id: string; readonly tenant: string },
    item: CheckItem,
  ): Promise<{ by: string; holds: boolean }[]>;
  /** Whether the principal's client or agent is suspended, by the newest that this instance knows. */
  isSuspended(principal: Principal): boolean;
}
