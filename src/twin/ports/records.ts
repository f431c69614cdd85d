import type { JsonObject } from '../../kernel/json.ts';

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
  /** FHIR resource type, `Session`, or `TimePassed` (documents/time.ts). */
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
