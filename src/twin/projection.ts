/** What a projection yields: the documents of one subject in both variants, and its search rows. */

import type { Variant } from '../contract/documents.ts';
import type { PractitionerSection, Section } from '../contract/uris.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { IndexRow, SourceRecord, Subject } from './ports.ts';

export interface ProjectedDocument {
  readonly uri: string;
  readonly section: Section | PractitionerSection | 'session';
  readonly variant: Variant;
  readonly title: string;
  readonly data: JsonObject;
  readonly notices: readonly string[];
}

export interface Projection {
  readonly documents: readonly ProjectedDocument[];
  readonly index: readonly IndexRow[];
  /** Keys (`Type/id`) of the records that belong to the `full` variant only. */
  readonly sensitive: ReadonlySet<string>;
  /** Section by record (`Type/id`), for source documents and their search rows. */
  readonly sections: ReadonlyMap<string, Section | 'session'>;
  /** How people find this member; absent for subjects that are not members. */
  readonly person?: {
    readonly patient: string;
    readonly name: string;
    readonly birthDate: string;
    /** Plan and subscriber numbers. */
    readonly numbers: readonly string[];
  };
}

/**
 * Pure: the latest record of each key of one subject, tombstones left out, to its documents.
 * No clock, no look outside the subject.
 * @param memory an object that stands for this subject: given again, with records that are the same
 *   objects where they have not changed, it saves work and changes nothing of the answer.
 */
export type Project = (
  subject: Subject,
  records: readonly SourceRecord[],
  memory?: object,
) => Projection;
