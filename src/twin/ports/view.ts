import type { Variant } from '../../contract/documents.ts';
import type { Section, TwinUri } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Place, SourceRecord, Subject } from './records.ts';

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
  /** Belongs to the `minimal` variant only. */
  readonly minimal?: true;
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
  /** By partition, the last offset wanted; a missing partition means to its end. */
  readonly upTo?: ReadonlyMap<number, number>;
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
  /** The etag that a read of a section or source document gives, without loading what it says. */
  etagOf(
    uri: Extract<TwinUri, { kind: 'section' | 'source' }>,
    variant: Variant,
  ): string | undefined;
  /** The tenant of a subject that the view knows. */
  tenantOf(subject: Subject): string | undefined;
  /** URIs of section documents of the subjects, in URI order, after `after`. */
  documents(subjects: readonly Subject[], after: string, limit: number): StoredDocument[];
  search(query: SearchQuery): IndexRow[];
  /** Every row of these record types that the area allows, newest first. */
  facts(area: SearchArea, types: readonly string[]): IndexRow[];
  changes(query: ChangesQuery): ViewChange[];
  /** Changes of one partition past `offset`, in order; whole offsets, so some more than `limit`. */
  changesAfter(partition: number, offset: number, limit: number): ViewChange[];
  /** Changes of these URIs applied since `at`, the newest of each URI and variant. */
  recentChanges(uris: readonly string[], at: number): ViewChange[];
  people(query: PersonQuery): Person[];
  /** The last applied offset of a partition; -1 before the first. */
  applied(partition: number): number;
  /** Another number once anything has been written: what was read under the same one still holds. */
  version(): number;
  /**
   * The same without a look at the file: another number by the time that anybody is told of what was
   * written, at the latest.
   */
  commits(): number;
  /** Etag and time of a document, without what it says. */
  stampOf(uri: string, variant: Variant): { etag: string; recorded: string } | undefined;
  /** Control records of one type that are in force (twin/control.ts), by member; or of one. */
  controls(type: string, subject?: Subject): SourceRecord[];
  /** Members of a tenant, by id. */
  members(tenant: string): string[];
  /** Every record of a subject that belongs to a section. */
  sources(subject: Subject): StoredSource[];
}

export interface View {
  readonly epoch: string;
  readonly partitions: number;
  partitionOf(subject: Subject): number;
  for(partition: number): ViewShard;
  shards(): readonly ViewShard[];
  /**
   * Waits until the place is applied; `false` when `timeoutMs` passed before.
   * @throws Fault INVALID_ARGUMENT for a place past the end of the log, once the log has been asked
   * (contract "position")
   */
  waitFor(place: Place, timeoutMs: number): Promise<boolean>;
}

/** {uri, variant, etag, place}: no PHI; published after the view has committed. */
export interface ChangeBus {
  publish(changes: readonly ViewChange[]): void;
  subscribe(listener: (changes: readonly ViewChange[]) => void): () => void;
}
