import type { Variant } from '../../contract/documents.ts';
import type { Principal } from './access.ts';

export interface AuditEntry {
  readonly action:
    | 'read'
    | 'list'
    | 'search'
    | 'chat'
    | 'subscribe'
    | 'unsubscribe'
    | 'notify'
    | 'changes'
    | 'import'
    | 'find'
    | 'relations'
    | 'flags'
    | 'dead-letter'
    | 'replay'
    | 'snapshot'
    | 'token'
    | 'session'
    | 'audit'
    | 'authentication'
    | 'configuration'
    | 'break-glass'
    | 'eligibility'
    | 'right';
  readonly outcome: 'success' | 'denied' | 'failed';
  readonly correlationId: string;
  /** Who: absent only where no token could be verified. */
  readonly principal?: Principal;
  /** For a delivery: all its receivers in one record. */
  readonly receivers?: readonly {
    readonly principal: Principal;
    readonly stream: string;
    /** Which of `what` this one was told of, by place; absent: all. */
    readonly told?: readonly number[];
  }[];
  /** What was shown or asked for; `uri` as given, bounded, also where it is not canonical. */
  readonly what: readonly {
    readonly uri: string;
    readonly etag?: string;
    readonly variant?: Variant;
  }[];
  /** By which permission and revision, or which rule refused. */
  readonly why: string;
  readonly bytes?: number;
  /** How many of the same this one stands for. */
  readonly count?: number;
}

/** @throws Fault AUDIT_UNAVAILABLE; then nothing may be shown. Resolves once fsynced. */
export interface Audit {
  append(entry: AuditEntry): Promise<void>;
}

/** One durable row of an instance, as it goes to the others. */
export interface ShippedRow {
  readonly generation: string;
  readonly instance: string;
  /** From 1, within its generation. */
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The chain over this row and all before it: 32 bytes. */
  readonly hash: Uint8Array;
  readonly body: string;
  /** Whom it is about. */
  readonly members: readonly string[];
}

/** How far a generation was at a time, signed. */
export interface ShippedCheckpoint {
  readonly generation: string;
  readonly instance: string;
  readonly size: number;
  /** ISO 8601 */
  readonly at: string;
  /** C2SP signed note. */
  readonly note: string;
}

/** What came by the topic; `next`: the offset to go on from. */
export interface AuditBatch {
  readonly partition: number;
  readonly next: number;
  readonly rows: readonly ShippedRow[];
  readonly checkpoints: readonly ShippedCheckpoint[];
}

/** `audit.records`: rows of all instances, each at least once, in order within a partition. */
export interface AuditTopic {
  /** Resolves once the topic has them all. @throws when it does not; some may be there then */
  ship(rows: readonly ShippedRow[], checkpoints: readonly ShippedCheckpoint[]): Promise<void>;
  /** @param from the offset of each partition to go on from; the first where none is given */
  follow(
    from: ReadonlyMap<number, number>,
    take: (batch: AuditBatch) => Promise<void>,
  ): Promise<{ stop(): Promise<void> }>;
}
