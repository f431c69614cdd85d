import type { AuditRow } from '../../contract/audit/row.ts';
import type { BreakGlassBanner } from '../../contract/break-glass.ts';
import type { Document, Variant } from '../../contract/documents.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { CursorCodec } from '../cursor.ts';
import type { Complete } from '../documents/access-log.ts';
import type { Floors } from '../floors.ts';
import type { Access, Audit, AuditEntry, Place, Principal, View } from '../ports.ts';
import type { PositionCodec } from '../position.ts';
import type { Receipts } from '../receipts.ts';
import type { Spend } from '../spending.ts';
import type { Loaded } from './load.ts';
import type { Withheld } from './shown.ts';

/** What the one door is made of. */
export interface ReaderParts {
  readonly view: View;
  readonly access: Access;
  readonly audit: Audit & AuditTrail;
  /** Members who are related to a practitioner, by the newest revision; their ids alone. */
  readonly panelOf: (practitioner: string) => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly positions: PositionCodec;
  readonly cursors: CursorCodec;
  readonly floors: Floors;
  readonly receipts: Receipts;
  readonly etagKey: Uint8Array;
  readonly readWaitMs: number;
  /** Counts what costs more than a read; without it nothing is counted. */
  readonly spend?: Spend;
  /** Told of each read: its section, and `success`, `denied` or `failed`. */
  readonly onRead?: (section: string, outcome: string) => void;
}

/** The audit read back: of one member, newest first. */
export interface AuditTrail {
  read(query: MemberTrailQuery): Promise<MemberTrail>;
}

export interface MemberTrailQuery {
  readonly member: string;
  readonly limit: number;
  /** Milliseconds since the epoch: later readings of the access log itself are left out. */
  readonly quietBefore: number;
}

export interface MemberTrail {
  readonly rows: readonly AuditRow[];
  readonly complete: readonly Complete[];
}

/** A document that is made when it is read, for this caller; nobody can subscribe to it. */
export interface Derived extends Loaded {
  /** What else is disclosed with it, for the audit record. */
  readonly disclosed: AuditEntry['what'];
}

/** Who asks, and the id by which the answer, the log and the audit record find each other. */
export interface Caller {
  readonly principal: Principal;
  readonly correlationId: string;
}

export interface ReadOptions {
  readonly minPosition?: string;
  readonly allowBehind?: boolean;
  /** Whoever asked has gone: then nothing is read, and no reading is in the audit. */
  readonly signal?: AbortSignal;
  /** The audit action, where the read serves something larger. */
  readonly action?: AuditEntry['action'];
}

export interface Answer {
  readonly document: Document;
  readonly title: string;
  readonly variant: Variant;
  /** How long a client may hold the answer, milliseconds; never past the token's expiry. */
  readonly ttlMs: number;
  /** Older than the position that was asked for (only with `allowBehind`). */
  readonly behind: boolean;
  readonly place: Place;
  /** What scopes and purpose of use narrowed of it; never what relations or protection did. */
  readonly withheld?: readonly Withheld[];
  /** While the caller's person has broken the glass on whom it is about; never part of its etag. */
  readonly breakGlass?: readonly BreakGlassBanner[];
}
