/** What the intake makes of a bundle, before the decider orders and accepts it. */

import type { ResourceJson, Subject } from '../ports.ts';
import type { Position, Refusal } from './refusal.ts';

/** One entry of a bundle, shape checked: what is to be stored or deleted. */
export interface BundleEntry extends Position {
  readonly fullUrl?: string;
  readonly operation: 'put' | 'delete';
  readonly type: string;
  readonly id: string;
  /** Absent for a delete. */
  readonly resource?: ResourceJson;
  /** Conditional create: stored only where no known record of the type carries the identifier. */
  readonly ifNoneExist?: { readonly system: string; readonly value: string };
  /** What must be so of the present record, or nothing is stored (FHIR R4 §3.1.0.5). */
  readonly precondition?:
    | { readonly kind: 'match'; readonly etag: string }
    | { readonly kind: 'absent' };
  /** When its source last changed or deleted it, in ms; absent when nothing says so. */
  readonly lastUpdatedMs?: number;
}

/** Entries that are decided together. */
export interface Unit {
  /** A transaction: all of it or nothing. Otherwise each entry by itself. */
  readonly whole: boolean;
  readonly entries: readonly BundleEntry[];
  /** Entries with a newer version in the same unit. */
  readonly superseded: readonly BundleEntry[];
  /** What could not be read, where the entries are decided by themselves. */
  readonly refusals: readonly Refusal[];
}

/** What one request brings. */
export interface Submission {
  /** One transaction, or one resource: its refusal is the refusal of the request. */
  readonly alone: boolean;
  readonly units: readonly Unit[];
}

/** Where a record lives: with a subject (`twins.sources`) or in the directory, shared by all. */
export type Home =
  | { readonly kind: 'subject'; readonly subject: Subject }
  | { readonly kind: 'directory' };

/** A record whose ids and references are ours, ready for the decider. */
export interface AddressedRecord {
  readonly entry: BundleEntry;
  readonly home: Home;
  readonly operation: 'put' | 'delete';
  readonly type: string;
  readonly id: string;
  readonly resource: ResourceJson | null;
  readonly names: Readonly<Record<string, string>>;
}

/** What the decider knows already, asked while references are resolved. */
export interface KnownRecords {
  /** Ids of the records that carry this identifier in this tenant, at most two. */
  byIdentifier(type: string, system: string, value: string): readonly string[];
  /** `Type/id` of the record that came with this `fullUrl` in an earlier submission. */
  byUrl(url: string): string | undefined;
  /** Whether a directory record, or a member's record, of this type and id exists. */
  has(type: string, id: string): boolean;
  /** The member whose record this is: resolves references such as `Encounter/e1` to a compartment. */
  memberOf(type: string, id: string): string | undefined;
  /** Display name of a directory record ("Practitioner/x"). */
  nameOf(reference: string): string | undefined;
  /** Our member id of a `Patient.id` (contract "Identity": MEMBER_IDS). Refuses what does not fit. */
  memberId(patientId: string): string;
  /** Our resource id of a foreign one: itself where it fits the id rule, else mapped. */
  resourceId(type: string, id: string): string;
}

export interface AddressedBundle {
  readonly records: readonly AddressedRecord[];
  readonly members: readonly { readonly member: string; readonly patient: string }[];
  /** Conditional creates whose record exists. */
  readonly existing: readonly BundleEntry[];
  /** Deletions of what nobody knows, with our ids: a deletion with a time is still remembered. */
  readonly unknown: readonly { readonly entry: BundleEntry; readonly id: string }[];
  readonly ignored: Readonly<Record<string, number>>;
}

/** An entry that has no home, and why. */
export interface Homeless {
  readonly refusal: Refusal;
  /** The entry with its references into its own bundle made plain, so that it can stand alone. */
  readonly entry: BundleEntry;
}
