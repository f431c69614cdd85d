import type { KafkaRecord, TopicPartition, TopicPlace } from './client.ts';

/** What a fetch brought of one partition. */
export interface FetchedPartition extends TopicPartition {
  /** Committed ones alone, from the offset asked for on. */
  readonly records: readonly KafkaRecord[];
  /** After the last record, control records and aborted ones included; else what was asked for. */
  readonly next: number;
  readonly bytes: number;
  /** The last stable offset: nothing after it can be read yet. */
  readonly stable: number;
}

/** Partitions whose offset the broker does not have: trimmed away, or not written yet. */
export class OutOfRange extends Error {
  readonly partitions: readonly TopicPartition[];

  constructor(partitions: readonly TopicPartition[], cause: unknown) {
    super('the broker does not have the offset', { cause });
    this.name = 'OutOfRange';
    this.partitions = partitions;
  }
}

/** How a library fetches: the one thing about reading that the adapters do each in their way. */
export interface Wire {
  /** Answers the id of the broker that leads a partition; negative where there is none. */
  leaders(topics: readonly string[]): Promise<(partition: TopicPartition) => number>;
  /** One round of one broker; waits a while where there is nothing. @throws OutOfRange */
  fetch(node: number, from: readonly TopicPlace[]): Promise<readonly FetchedPartition[]>;
  /** What is known of the cluster may be wrong. */
  forget(): void;
  close(): Promise<void>;
}

export type Assignments = readonly { readonly topic: string; readonly partitions: number[] }[];

export interface MembershipEvents {
  /** Before every joining: the partitions go to whoever gets them when this has resolved. */
  beforeJoin(): Promise<void>;
  onJoined(assignments: Assignments): void;
  /** The coordinator has answered: we are a member. */
  onAlive(): void;
  onTrouble(error: unknown): void;
}

/** How a library is a member of a group; it goes on joining anew by itself until it leaves. */
export interface Membership {
  /** Resolves once joined; tries until then. Called anew, it makes the group share anew. */
  join(): Promise<void>;
  /** One try. */
  commit(places: readonly TopicPlace[]): Promise<void>;
  /** Whether a commit that failed with this may be tried again. */
  isMomentary(error: unknown): boolean;
  /** Committed offsets, as `keyOf` names the partitions; those without one are left out. */
  committed(assignments: Assignments): Promise<ReadonlyMap<string, number>>;
  leave(): Promise<void>;
}

/** All members of a group must name the same way of sharing, whatever library they use. */
export const ASSIGNOR = { name: 'RoundRobinAssigner', version: 1 } as const;
