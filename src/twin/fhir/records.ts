/** What the intake makes of a bundle, before the decider orders and accepts it. */

import type { ResourceJson, Subject } from '../ports.ts';

/** One entry of a bundle, shape checked: what is to be stored or deleted. */
export interface BundleEntry {
  /** Position in `Bundle.entry`, from 0: named in every refusal. */
  readonly index: number;
  readonly fullUrl?: string;
  readonly operation: 'put' | 'delete';
  readonly type: string;
  readonly id: string;
  /** Absent for a delete. */
  readonly resource?: ResourceJson;
}

/** Where a record lives: with a subject (`twins.sources`) or in the directory, shared by all. */
export type Home =
  | { readonly kind: 'subject'; readonly subject: Subject }
  | { readonly kind: 'directory' };

/** A record whose ids and references are ours, ready for the decider. */
export interface AddressedRecord {
  readonly index: number;
  readonly home: Home;
  readonly operation: 'put' | 'delete';
  readonly type: string;
  readonly id: string;
  readonly resource: ResourceJson | null;
  readonly names: Readonly<Record<string, string>>;
  /** `meta.lastUpdated` as milliseconds; absent when the record carries none. */
  readonly lastUpdatedMs?: number;
}

/** What the decider knows already, asked while references are resolved. */
export interface KnownRecords {
  /** Id of the resource that carries this identifier, in this tenant's directory or members. */
  byIdentifier(type: string, system: string, value: string): string | undefined;
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
  readonly ignored: Readonly<Record<string, number>>;
}
