import type { HeldReceipt, HeldRecords } from '../../contract/held.ts';
import type { LogRecord, Place, Provenance, SourceRecord } from './records.ts';

export type { HeldReceipt, HeldRecord, HeldRecords } from '../../contract/held.ts';

/** The accepted records (`twins.sources`), as a view consumes them. */
export interface EventLog {
  /** 8 characters; new when the log is created anew or restored. */
  readonly epoch: string;
  readonly partitions: number;
  /**
   * Its file is damaged: nothing of it is read and nothing taken, and a view stays as it is. May
   * become so while it runs, and stays so.
   */
  readonly damaged?: boolean;
  /** Where a reader stands, by partition: a log that is far away reads ahead from there. */
  startAt(offsets: readonly number[]): Promise<void>;
  /** Records from `offset` on, in order, at most `limit`. Compacted offsets are simply missing. */
  read(partition: number, offset: number, limit: number): Promise<LogRecord[]>;
  /**
   * The same for who listens to `onAppend`, and so may be given only what was told of by now: a log
   * that is far away is not asked where it ends.
   */
  readTold?(partition: number, offset: number, limit: number): Promise<LogRecord[]>;
  /** The next offset to be written, by partition. */
  ends(): Promise<number[]>;
  /** Called after an append was committed, with the partitions that grew. */
  onAppend(listener: (partitions: readonly number[]) => void): () => void;
}

export interface BundleSubmission {
  readonly tenant: string;
  /** Source system; part of the member id when ids are opaque. */
  readonly source: string;
  readonly actor: string;
  /** Idempotency: the same id within 30 days has no second effect, and the same receipt. */
  readonly eventId: string;
  /** A FHIR R4 Bundle or resource as UTF-8 JSON, not compressed; or lines of either. */
  readonly json: Uint8Array;
  /** Default `json`. */
  readonly format?: 'json' | 'ndjson';
  /** A command: it says what must be so, and is decided now or not at all; never held. */
  readonly conditional?: boolean;
  /** Decides, answers the receipt, and stores nothing. */
  readonly dryRun?: boolean;
}

/** What became of one entry, where it was not simply accepted or unchanged. No value of it. */
export interface EntryOutcome {
  readonly outcome: 'stale' | 'waiting' | 'refused';
  /** Line of an ndjson body, from 1. */
  readonly line?: number;
  /** Position in `Bundle.entry`, from 0. */
  readonly entry: number;
  /** FHIR type; empty where it could not be read. */
  readonly type: string;
  readonly path?: string;
  readonly reason?: string;
  readonly says?: string;
}

export interface IntakeReceipt {
  readonly accepted: number;
  /** Same content as the latest record of the key. */
  readonly unchanged: number;
  /** Older `meta.lastUpdated` than the latest record of the key. */
  readonly stale: number;
  /** Held back until what they refer to arrives; an error after a day. */
  readonly waiting: number;
  /** Records that had waited, of this or an earlier submission, and were accepted because of it. */
  readonly resumed: number;
  /** Refused by themselves; never entries of a transaction. */
  readonly refused: number;
  /** The first of those that are stale, waiting or refused (LIMITS.entriesToldMax). */
  readonly entries: readonly EntryOutcome[];
  readonly members: readonly { readonly member: string; readonly patient: string }[];
  /** Resource kinds that no room of the product uses, with their counts. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Where the last record of each touched partition stands; empty when nothing was accepted. */
  readonly places: readonly Place[];
}

/**
 * What producers say. A transaction is accepted whole or refused whole, as is a single resource:
 * `Fault('REFUSED_INPUT')` with `data.entry` and a reason. Of other bundles and of ndjson each
 * entry is decided by itself, and one that refers to what is not known yet waits for it.
 */
export interface Intake {
  submitBundle(submission: BundleSubmission): Promise<IntakeReceipt>;
  /** What of this tenant waits, and what was refused within the last 30 days. */
  held(tenant: string): Promise<HeldRecords>;
  /** A record of our own (a session): already addressed, validated by its room. */
  submitRecord(
    record: Omit<SourceRecord, 'provenance'> & {
      readonly provenance: Omit<Provenance, 'recorded'>;
    },
  ): Promise<Place>;
}

/**
 * The flag `event-delivery`. `auto`: hold facts while the log is away. `log`: never hold. `poll`:
 * take the log as away, and give it nothing of what is held.
 */
export type EventDelivery = 'auto' | 'log' | 'poll';

/**
 * What surfaces submit to: an intake that goes on while the log is away. Unconditional facts are
 * then durable in this instance's outbox, and answered `held`; the rest is `LOG_UNAVAILABLE`.
 * Every `Intake` is one that never holds.
 */
export interface HoldingIntake extends Pick<Intake, 'held'> {
  submitBundle(...given: Parameters<Intake['submitBundle']>): Promise<IntakeReceipt | HeldReceipt>;
  submitRecord(...given: Parameters<Intake['submitRecord']>): Promise<Place | HeldReceipt>;
}

/** One relationship, in SpiceDB's words. */
export interface Relationship {
  readonly resource: { readonly type: string; readonly id: string };
  readonly relation: string;
  readonly subject: { readonly type: string; readonly id: string; readonly relation?: string };
  /** ISO 8601, in the future when it was written: until then the relationship is not there. */
  readonly startsAt?: string;
  /** ISO 8601; only where the schema allows an expiration. */
  readonly expiresAt?: string;
}

export interface RelationChange {
  readonly operation: 'touch' | 'delete';
  readonly relationship: Relationship;
}

/** `access.relationships`: one partition, compacted by the whole relationship. */
export interface RelationJournal {
  /** Appends durably in one transaction; answers the offset of the last change. */
  append(changes: readonly RelationChange[], actor: string): Promise<number>;
  /** From this offset on. A page may be short: only an empty one says that nothing more is there. */
  read(offset: number, limit: number): Promise<{ offset: number; change: RelationChange }[]>;
  /** Called after any append, those of the decider (a new member's organization) included. */
  onAppend(listener: () => void): () => void;
}
