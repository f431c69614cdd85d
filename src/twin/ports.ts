/**
 * What the rooms need of each other, as types. Kafka, SpiceDB's server and Redis stand behind the
 * same ports as the embedded parts; each port's contract suite runs against every implementation.
 */

import type { Variant } from '../contract/documents.ts';
import type { Section } from '../contract/uris.ts';
import type { JsonObject } from '../kernel/json.ts';

// ── Subjects and records ─────────────────────────────────────────────────────────────────────────

/** What a record is about; its key decides the partition. */
export interface Subject {
  readonly kind: 'member' | 'practitioner' | 'session';
  readonly id: string;
}

export type ResourceJson = JsonObject & { resourceType: string };

export interface Provenance {
  /** Source system, as named at the intake. */
  readonly source: string;
  /** Who sent it: subject, or agent on behalf of subject. */
  readonly actor: string;
  /** When the decider accepted it, ISO 8601 in UTC. Never part of an etag. */
  readonly recorded: string;
}

/** One accepted record: the latest of a key is the truth about that key. */
export interface SourceRecord {
  readonly tenant: string;
  readonly subject: Subject;
  /** FHIR resource type, or `Session`. */
  readonly type: string;
  readonly id: string;
  /** `null` is a tombstone. Ids and references inside are already ours (mapped, resolved). */
  readonly resource: ResourceJson | null;
  /** Reference ("Practitioner/x") to display name, copied in by the decider from the directory. */
  readonly names: Readonly<Record<string, string>>;
  readonly provenance: Provenance;
  /** Id of the event that brought it; a second one within 30 days has no effect. */
  readonly eventId: string;
}

export interface LogRecord extends SourceRecord {
  readonly partition: number;
  readonly offset: number;
}

/** A place in one partition: everything up to and including `offset` has been seen. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

// ── Log ──────────────────────────────────────────────────────────────────────────────────────────

/** The accepted records (`twins.sources`), as a view consumes them. */
export interface EventLog {
  /** 8 characters; new when the log is created anew or restored. */
  readonly epoch: string;
  readonly partitions: number;
  /** Records from `offset` on, in order, at most `limit`. Compacted offsets are simply missing. */
  read(partition: number, offset: number, limit: number): Promise<LogRecord[]>;
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

/** A record that waits, or that was refused; without anything of its content. */
export interface HeldRecord {
  readonly type: string;
  readonly source: string;
  /** Id of the event that brought it. */
  readonly eventId: string;
  readonly line?: number;
  readonly entry: number;
  /** ISO 8601: waiting since, or refused at. */
  readonly at: string;
}

export interface HeldRecords {
  readonly waiting: {
    readonly count: number;
    readonly bytes: number;
    /** The oldest ones; `needs` names types, never an identifier. */
    readonly records: readonly (HeldRecord & { readonly needs: readonly string[] })[];
  };
  readonly refused: {
    readonly count: number;
    /** The newest ones. */
    readonly records: readonly (HeldRecord & { readonly path: string; readonly reason: string })[];
  };
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

/** One relationship, in SpiceDB's words. */
export interface Relationship {
  readonly resource: { readonly type: string; readonly id: string };
  readonly relation: string;
  readonly subject: { readonly type: string; readonly id: string; readonly relation?: string };
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
  read(offset: number, limit: number): Promise<{ offset: number; change: RelationChange }[]>;
  /** Called after any append, those of the decider (a new member's organization) included. */
  onAppend(listener: () => void): () => void;
}

// ── View ─────────────────────────────────────────────────────────────────────────────────────────

export interface StoredDocument {
  readonly uri: string;
  readonly tenant: string;
  readonly subject: Subject;
  readonly section: string;
  readonly variant: Variant;
  readonly etag: string;
  readonly title: string;
  /** When the newest record of the subject's section was accepted. */
  readonly recorded: string;
  readonly data: JsonObject;
  readonly notices: readonly string[];
}

/** A source record as the view holds it. */
export interface StoredSource extends SourceRecord {
  readonly section: Section | 'session';
  /** Belongs to the `full` variant only. */
  readonly sensitive: boolean;
}

/** One searchable fact. Rows with `sensitive` belong to the `full` variant only. */
export interface IndexRow {
  readonly uri: string;
  readonly subject: Subject;
  readonly section: Section;
  readonly type: string;
  readonly sensitive: boolean;
  readonly kind: 'member' | 'fact' | 'document';
  readonly title: string;
  /** Display text, values with units, notes; what a person would search for. */
  readonly text: string;
  /** Codes ("4548-4 44054006"), space-separated. */
  readonly codes: string;
  /** ISO date of the fact; empty when it has none. */
  readonly date: string;
  /** What its record says, element by element, for answers that are computed from facts. */
  readonly data: JsonObject;
}

/** Which rows of whom may be searched: decided before anything is counted or ranked. */
export interface SearchArea {
  readonly subject: Subject;
  readonly sections: ReadonlyMap<Section, Variant>;
}

export interface SearchQuery {
  /** Plain terms, already cut and bounded; never FTS5 syntax. Any of them may match. */
  readonly terms: readonly string[];
  readonly areas: readonly SearchArea[];
  readonly types?: readonly string[];
  readonly since?: string;
  /** Candidates at most; the caller ranks. */
  readonly limit: number;
}

/** A change of one document, as the view stored it in the same transaction. */
export interface ViewChange {
  readonly uri: string;
  readonly tenant: string;
  readonly subject: Subject;
  readonly section: Section | 'session';
  readonly variant: Variant;
  /** Empty when the document is gone. */
  readonly etag: string;
  readonly kind: 'created' | 'updated' | 'deleted';
  readonly place: Place;
  /** Milliseconds since the epoch, when this view applied it. */
  readonly at: number;
}

export interface ChangesQuery {
  readonly subjects: readonly Subject[];
  /** By partition, the last offset seen; a missing partition means from its start. */
  readonly after: ReadonlyMap<number, number>;
  readonly limit: number;
}

export interface PersonQuery {
  readonly tenant?: string;
  readonly members?: readonly string[];
  /** Name words, a birth date or a plan number; matched whole, never as a pattern. */
  readonly text: string;
  readonly limit: number;
}

export interface Person {
  readonly member: string;
  readonly tenant: string;
  readonly patient: string;
  readonly name: string;
  readonly birthDate: string;
}

/** One store that holds some of the partitions. Reads are synchronous and see committed state. */
export interface ViewShard {
  document(uri: string, variant: Variant): StoredDocument | undefined;
  source(subject: Subject, type: string, id: string): StoredSource | undefined;
  /** The tenant of a subject that the view knows. */
  tenantOf(subject: Subject): string | undefined;
  /** URIs of section documents of the subjects, in URI order, after `after`. */
  documents(subjects: readonly Subject[], after: string, limit: number): StoredDocument[];
  search(query: SearchQuery): IndexRow[];
  /** Every row of these record types that the area allows, newest first. */
  facts(area: SearchArea, types: readonly string[]): IndexRow[];
  changes(query: ChangesQuery): ViewChange[];
  /** Changes of these URIs applied since `at`, the newest of each URI and variant. */
  recentChanges(uris: readonly string[], at: number): ViewChange[];
  people(query: PersonQuery): Person[];
  /** The last applied offset of a partition; -1 before the first. */
  applied(partition: number): number;
}

export interface View {
  readonly epoch: string;
  readonly partitions: number;
  partitionOf(subject: Subject): number;
  for(partition: number): ViewShard;
  shards(): readonly ViewShard[];
  /** Waits until the place is applied; `false` when `timeoutMs` passed before. */
  waitFor(place: Place, timeoutMs: number): Promise<boolean>;
}

/** {uri, variant, etag, place}: no PHI; published after the view has committed. */
export interface ChangeBus {
  publish(changes: readonly ViewChange[]): void;
  subscribe(listener: (changes: readonly ViewChange[]) => void): () => void;
}

// ── Access ───────────────────────────────────────────────────────────────────────────────────────

/** Who asks, from a verified access token. */
export interface Principal {
  /** SpiceDB subject type of `subject`: a person, or an agent on its own. */
  readonly kind: 'user' | 'agent';
  readonly subject: string;
  /** The agent that acts for the person (RFC 8693 `act.sub`, outermost). */
  readonly actor?: string;
  readonly tenant: string;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** v3-PurposeOfUse code. */
  readonly purpose?: string;
  readonly issuer: string;
  readonly tokenId: string;
  readonly expiresAtMs: number;
}

export interface ObjectRef {
  readonly type: string;
  readonly id: string;
}

export interface CheckItem {
  readonly permission: string;
  readonly object: ObjectRef;
}

export interface Decision {
  readonly allowed: boolean;
  /** ZedToken of the revision at which it was decided. */
  readonly revision: string;
}

/** What may have changed for whom: whoever holds something open checks it again. */
export type AccessChange =
  | { readonly kind: 'objects'; readonly objects: readonly ObjectRef[] }
  /** A relation that many members share (a team, an organization, trust in an agent). */
  | { readonly kind: 'everything' }
  /** A token was revoked. */
  | { readonly kind: 'token'; readonly tokenId: string };

export interface Access {
  /**
   * One decision an item, in order, by the newest revision that this instance has seen. An agent
   * that acts for a person needs both: the person may, and trusts it with this permission.
   * @throws Fault ACCESS_UNAVAILABLE when SpiceDB cannot answer in time. Nothing is allowed then.
   */
  check(principal: Principal, items: readonly CheckItem[]): Promise<Decision[]>;
  /** Ids of the objects on which the principal has the permission, in order. */
  lookup(principal: Principal, permission: string, type: string): Promise<string[]>;
  onChange(listener: (change: AccessChange) => void): () => void;
}

/** Writes relations: answers only when SpiceDB has committed them. */
export interface Relations {
  /** @throws Fault NOT_COMMITTED: "not revoked" / "not granted"; INVALID_ARGUMENT: not in the schema. */
  write(changes: readonly RelationChange[], actor: string): Promise<{ zedToken: string }>;
  list(filter: {
    readonly type: string;
    readonly id?: string;
    readonly relation?: string;
  }): Promise<Relationship[]>;
}

// ── Audit ────────────────────────────────────────────────────────────────────────────────────────

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
    | 'token'
    | 'session';
  readonly outcome: 'success' | 'denied' | 'failed';
  readonly correlationId: string;
  /** Who: absent only where no token could be verified. */
  readonly principal?: Principal;
  /** For a delivery: all its receivers in one record. */
  readonly receivers?: readonly { readonly principal: Principal; readonly stream: string }[];
  /** What was shown or asked for; `uri` as given, bounded, also where it is not canonical. */
  readonly what: readonly {
    readonly uri: string;
    readonly etag?: string;
    readonly variant?: Variant;
  }[];
  /** By which permission and revision, or which rule refused. */
  readonly why: string;
  readonly bytes?: number;
}

/** @throws Fault AUDIT_UNAVAILABLE; then nothing may be shown. Resolves once fsynced. */
export interface Audit {
  append(entry: AuditEntry): Promise<void>;
}
