import type { Place, SourceRecord, Subject } from '../twin/ports.ts';

/** The latest record of a key, as far as the rules ask. */
export interface Head {
  readonly place: Place;
  readonly hash: string;
  /** `meta.lastUpdated` in milliseconds; absent when no record of the key ever carried one. */
  readonly lastUpdatedMs?: number;
}

/** A record of the directory; names are its own, so none are copied in. */
export type DirectoryRecord = Omit<SourceRecord, 'subject' | 'names'>;

export interface Identifier {
  readonly system: string;
  readonly value: string;
}

/** What is remembered beside a record. */
export interface HeadFacts {
  readonly hash: string;
  readonly lastUpdatedMs?: number;
  /** References to the directory, by which a change of name finds the record. */
  readonly mentions: readonly string[];
  /** Of records that others may refer to by identifier; none for the rest. */
  readonly identifiers: readonly Identifier[];
}

export interface Member {
  readonly member: string;
  readonly tenant: string;
  readonly source: string;
  readonly patient: string;
}

/**
 * What the decider's rules need to know and to write: within one transaction, so reads see the
 * writes before them and a refusal leaves nothing. SQLite is behind it here; the Kafka decider
 * brings a state of its own with the same meaning.
 */
export interface DeciderState {
  /** Outcome of an event seen within 30 days, as it was kept. */
  outcome(tenant: string, eventId: string): string | undefined;
  keepOutcome(tenant: string, eventId: string, outcome: string): void;
  head(key: string): Head | undefined;
  /** The latest record of a key; absent where it is a tombstone. */
  latest(key: string): SourceRecord | undefined;
  /** Tenant to which a subject belongs, once anything of it was accepted. */
  tenantOf(subject: Subject): string | undefined;
  /** The tenant in which a member was forgotten, and was not allowed again. */
  forgottenBy(member: string): string | undefined;
  /** Adds the member, and its organization to the journal of relations. */
  enrol(member: Member): void;
  /**
   * Subjects that hold a live record of this type and id; `directory` for the directory. What is
   * said again with practitioners is not held by them.
   */
  holders(tenant: string, type: string, id: string): (Subject | 'directory')[];
  /** Practitioners with whom a record is said again. */
  practitionersWith(tenant: string, type: string, id: string): Subject[];
  /** Ids of live records that carry the identifier. */
  identified(tenant: string, type: string, identifier: Identifier): string[];
  nameOf(tenant: string, reference: string): string | undefined;
  setName(tenant: string, reference: string, name: string | undefined): void;
  /** Keys of live records that mention a directory record. */
  mentioning(tenant: string, reference: string): string[];
  /** Whether a directory record is specially protected, and so whatever refers to it. */
  isLabelled(tenant: string, reference: string): boolean;
  setLabelled(tenant: string, reference: string, labelled: boolean): void;
  /** `Type/id` of the record that came with this `fullUrl`. */
  urlOf(tenant: string, source: string, url: string): string | undefined;
  rememberUrl(tenant: string, source: string, url: string, reference: string): void;
  /** When a record that nobody knew was deleted at its source, in ms. */
  buriedAt(tenant: string, type: string, id: string): number | undefined;
  bury(tenant: string, type: string, id: string, lastUpdatedMs: number): void;
  /** Types of the live records with this id, whoever holds them. */
  typesOf(tenant: string, id: string): string[];
  /** Keys of the live records of a subject. */
  keysOf(subject: Subject): string[];
  /** Says that a member was replaced by another, who may not be known yet. */
  link(tenant: string, member: string, survivor: string): void;
  /** Members that are linked to this one. */
  linkedTo(tenant: string, survivor: string): { member: string; merged: boolean }[];
  /** Whom a member was linked to, and whether its records have moved there. */
  linkOf(tenant: string, member: string): { survivor: string; merged: boolean } | undefined;
  setMerged(tenant: string, member: string): void;
  /** Undoes what `work` has written if it throws. */
  attempt<T>(work: () => T): T;
  append(record: SourceRecord, facts: HeadFacts): Place;
  appendDirectory(record: DirectoryRecord, facts: HeadFacts): void;
}

/** What the directory is compacted by; no subject's key looks like it. */
export function directoryKey(record: Pick<DirectoryRecord, 'tenant' | 'type' | 'id'>): string {
  return `${record.tenant}/directory/${record.type}/${record.id}`;
}
