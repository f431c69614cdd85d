import type { Document } from '../contract/documents.ts';

export type { Trust, TrustedAgent } from '../contract/agents.ts';
export type { BackupMade } from '../contract/backups.ts';
export type {
  DeadLetterCount,
  DeadLetterEntry,
  DeadLetterList,
  DeadLetterOutcome,
  DeadLetterShown,
} from '../contract/dead-letters.ts';
export type { FlagState, FlagStates } from '../contract/flags.ts';
export type { HeldReceipt, HeldRecord, HeldRecords } from '../contract/held.ts';
export type { Forgotten, Hold, RetentionReport } from '../contract/keeping.ts';
export type {
  ReplayPlaces,
  ReplayPoint,
  ReplayRequest,
  ReplayStep,
} from '../contract/replays.ts';
export type { Snapshot } from '../contract/snapshots.ts';

export interface ReadOptions {
  /** Wait (bounded) until the server has reached this position. */
  readonly minPosition?: string;
  /** Rather older data, marked `behind`, than the error `VIEW_BEHIND`. */
  readonly allowBehind?: boolean;
}

export interface ReadAnswer {
  readonly document: Document;
  /** How long the answer may be taken as fresh, milliseconds. */
  readonly ttlMs: number;
  readonly behind: boolean;
}

export interface ListedResource {
  readonly uri: string;
  readonly name: string;
  readonly title?: string;
}

export interface ListPage {
  readonly resources: readonly ListedResource[];
  readonly next?: string;
}

export interface ImportOptions {
  /** Name of the source system. */
  readonly source: string;
  /** The same key a second time has no second effect. */
  readonly idempotencyKey?: string;
  /** `ndjson`: a resource or bundle a line. Default `json`: one bundle or resource. */
  readonly format?: 'json' | 'ndjson';
  /** Decides and answers, and stores nothing. */
  readonly dryRun?: boolean;
  /** Refused where the access token is of another tenant. */
  readonly tenant?: string;
}

/** What became of one entry, where it was not simply accepted or unchanged. */
export interface ImportedEntry {
  readonly outcome: 'stale' | 'waiting' | 'refused';
  /** Line of ndjson, from 1. */
  readonly line?: number;
  /** Position in `Bundle.entry`, from 0. */
  readonly entry: number;
  readonly type: string;
  readonly path?: string;
  readonly reason?: string;
  readonly says?: string;
}

export interface ImportReceipt {
  readonly accepted: number;
  readonly unchanged: number;
  readonly stale: number;
  /** Held back until what they refer to arrives; an error after a day. */
  readonly waiting: number;
  /** Records that had waited and were accepted because of this. */
  readonly resumed: number;
  readonly refused: number;
  /** The first thousand that are stale, waiting or refused. */
  readonly entries: readonly ImportedEntry[];
  readonly members: readonly { readonly member: string; readonly patient: string }[];
  /** Entries of types that the twin does not hold, counted by type. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Absent in a dry run. */
  readonly position?: string;
  readonly eventId: string;
}

export interface FoundMember {
  readonly member: string;
  readonly tenant: string;
  readonly patient: string;
  readonly name: string;
  readonly birthDate: string;
}

export interface RelationChange {
  readonly operation: 'touch' | 'delete';
  /** `member:demo-ana#self@user:ana` */
  readonly relationship: string;
}

export interface RelationFilter {
  readonly type: string;
  readonly id?: string;
  readonly relation?: string;
}

export interface Explanation {
  readonly allowed: boolean;
  readonly why: readonly string[];
  /** Whether the agent is trusted with it, and by whom. */
  readonly trust?: readonly { readonly by: string; readonly holds: boolean }[];
  readonly suspended?: boolean;
  /** What scopes and purpose leave of the section. */
  readonly shown?: 'all' | 'minimal' | 'nothing';
}

/** What else would be so of the one who asks. */
export interface ExplainWith {
  readonly agent?: string | undefined;
  readonly purpose?: string | undefined;
  readonly scope?: string | undefined;
}

export interface AuditProof {
  readonly ok: boolean;
  readonly records: number;
  readonly firstBad?: number;
  readonly generations: readonly {
    readonly generation: string;
    readonly instance: string;
    readonly from: 'store' | 'topic';
    readonly records: number;
    readonly root: string;
    readonly ok: boolean;
    readonly firstBad?: number;
    readonly lastBad?: number;
    readonly why?: string;
    readonly witnessed: number;
    readonly witnessedAt?: string;
  }[];
  readonly witness: { readonly kind: 'none' | 'directory' | 'http'; readonly reached: boolean };
  /** Base64: what an export's checkpoints are verified by. */
  readonly publicKey: string;
  readonly says: readonly string[];
}

/** ISO 8601; `to` is not included. */
export interface AuditPeriod {
  readonly from?: string;
  readonly to?: string;
}
