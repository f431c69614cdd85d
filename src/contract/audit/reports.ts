/** What a privacy officer is given, as the server answers it. */

/** Up to when the rows of an instance are known. */
export interface CompleteUpTo {
  readonly instance: string;
  /** ISO 8601 */
  readonly time: string;
}

/** One line of an accounting of disclosures (45 CFR 164.528(b)(2)). */
export interface DisclosureEntry {
  /** ISO 8601 */
  readonly when: string;
  /** Who received it: `user:eve`. */
  readonly who: string;
  /** The agents that acted for them, outermost first: `agent:assistant`. */
  readonly by?: readonly string[];
  readonly client?: string;
  /** How: read, search, list, chat, notify, … */
  readonly action: string;
  /** Which parts of the record: `clinical`, `care/Goal/g1`. */
  readonly what: readonly string[];
  /** Stated by the token: a v3-PurposeOfUse code. */
  readonly purpose?: string;
  /** The permission by which it was allowed. */
  readonly right?: string;
  /** The relations over which it was held, as they were then; absent where they were not recorded. */
  readonly relations?: readonly string[];
  /** Place in the audit: `{generation} {index}`. */
  readonly row: string;
}

export interface DisclosurePage {
  readonly member: string;
  readonly from: string;
  readonly to: string;
  /** Newest first. */
  readonly entries: readonly DisclosureEntry[];
  /** Rows about the member on this page that show nothing of the record, by action and outcome. */
  readonly others: Readonly<Record<string, number>>;
  /** Goes on there; absent on the last page. */
  readonly next?: string;
  readonly completeUpTo: readonly CompleteUpTo[];
  /** What the report is, and is not. */
  readonly says: readonly string[];
}

export interface AccessReviewLine {
  readonly who: string;
  readonly by?: string;
  readonly client: string;
  /** Members of whom something was shown. */
  readonly members: number;
  readonly disclosures: number;
  readonly denied: number;
  /** Disclosures by permission or rule. */
  readonly rights: Readonly<Record<string, number>>;
  readonly purposes: Readonly<Record<string, number>>;
  readonly first: string;
  readonly last: string;
  /** Why somebody should look at this line; empty where nothing stands out. */
  readonly outlier: readonly string[];
}

export interface AccessReview {
  readonly from: string;
  readonly to: string;
  /** Most members first. */
  readonly lines: readonly AccessReviewLine[];
  readonly failedAuthentications: number;
  readonly rows: number;
  readonly completeUpTo: readonly CompleteUpTo[];
  readonly says: readonly string[];
}

/** A line of the export for an independent verification: another tenant's row is its hash alone. */
export interface ExportedRow {
  readonly generation: string;
  readonly instance: string;
  readonly index: number;
  readonly body?: string;
  /** Hash of the leaf, base64, where there is no body. */
  readonly leaf?: string;
}

/** Whether the days of a report may be so many: 45 CFR 164.528 asks for six years. */
export const REPORT_YEARS = 6;
