import type { ErrorCode } from '../../contract/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { BundleSubmission, HeldRecords, IntakeReceipt, Place } from '../../twin/ports.ts';
import type { Submission } from '../events/index.ts';
import type { DecidingRules } from '../identity.ts';
import type { LogIdentity } from '../schema.ts';
import type { KafkaMessage, KafkaRecord, TopicPlace } from './client.ts';
import type { Next } from './decider-db.ts';

/** Whole names of the topics that a decider reads and writes. */
export interface DeciderTopics {
  readonly intake: string;
  readonly sources: string;
  readonly directory: string;
  readonly directoryPartitions: number;
  readonly relations: string;
  readonly outcomes: string;
  readonly decider: string;
}

export interface DeciderWorkerData {
  /** Of the file that holds its state; thrown away where it belongs to another log. */
  readonly path: string;
  readonly identity: LogIdentity;
  readonly rules: DecidingRules;
  readonly topics: DeciderTopics;
}

/** What became of one submission: exactly one of `receipt`, `place` and `fault`. */
export interface Told {
  readonly tenant: string;
  readonly eventId: string;
  readonly provenance: { readonly source: string; readonly actor: string };
  readonly receipt?: IntakeReceipt;
  readonly place?: Place;
  readonly fault?: {
    readonly code: ErrorCode;
    readonly detail: string;
    readonly data: JsonObject;
  };
}

export interface Decided {
  /** In the order of writing. */
  readonly messages: readonly KafkaMessage[];
  /** Indexes of the items that were refused as a whole. */
  readonly refused: readonly number[];
  /** Of a chore, whether, or how much, there is more; else how many had waited and came in. */
  readonly more: number;
}

export type Chore = 'wake' | 'sweep' | 'compact' | 'passTime';

export type DeciderMethods = {
  open(args: { at: number }): void;
  /** The state had everything that the log had at this time. */
  complete(args: { at: number }): void;
  /** How far the state has taken in each topic. */
  stands(args: null): Record<'sources' | 'directory' | 'decider', Next[]>;
  /** Records of one partition, written by the active decider. */
  restore(args: { records: readonly KafkaRecord[] }): void;
  intakePlaces(args: null): Next[];
  /** Decides in a transaction that stays open: nothing else may be called before `settle`. */
  decide(args: {
    items: readonly Submission[];
    /** Indexes of those whose producer hears no outcome: none is written. */
    unheard: readonly number[];
    /** Offsets that the log gives next. */
    nexts: readonly Next[];
    /** Decided up to here, once this is committed. */
    intake: readonly Next[];
    at: number;
  }): Decided;
  chore(args: { task: Chore; nexts: readonly Next[]; at: number }): Decided;
  /** Like a chore: writes some rows anew that stand under a key which is not theirs any more. */
  rename(args: { nexts: readonly Next[]; at: number }): Decided;
  /** Keeps what was decided once Kafka has committed it, or forgets it. */
  settle(args: { commit: boolean; restored: readonly TopicPlace[] }): void;
  /** As if it were decided now; nothing of it is kept. */
  dryRun(args: { submission: BundleSubmission; at: number }): IntakeReceipt;
  held(args: { tenant: string }): HeldRecords;
  /** Leaves no byte of what was forgotten in its file; `false` where a transaction is open: again. */
  purge(args: null): boolean;
  close(args: null): void;
};
