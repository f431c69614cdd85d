/** How a batch of eligibility checks stands: docs/eligibility.md. */
export interface BatchStatus {
  readonly batchId: string;
  /** `validating`: rows are judged; `running`: the clearinghouse has them. */
  readonly state: 'receiving' | 'validating' | 'running' | 'completed';
  /** ISO 8601. */
  readonly createdAt: string;
  readonly finishedAt?: string;
  readonly rows: number;
  readonly progress: {
    readonly ended: number;
    readonly answered: number;
    /** The same question as an earlier row: asked once. */
    readonly duplicates: number;
    readonly refused: number;
    readonly failed: number;
    readonly waiting: number;
  };
  /** What payers said, by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Why rows were refused or not answered, the most frequent 50. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** One row of the report. */
export interface BatchReportRow {
  /** From 1, as it was sent. */
  readonly row: number;
  readonly reference?: string;
  readonly member?: string;
  readonly state: 'waiting' | 'done' | 'refused' | 'same' | 'failed';
  /** `not-found`, `invalid: serviceDate`, `AAA 75` … */
  readonly reason?: string;
  readonly sameAs?: number;
  readonly status?: string;
  readonly checkedAt?: string;
  /** Id of the check, as the facts name it. */
  readonly check?: string;
  /** Where all that the payer said is read. */
  readonly document?: string;
}

/** Columns of the report as CSV, in this order. */
export const REPORT_COLUMNS = [
  'row',
  'reference',
  'member',
  'state',
  'reason',
  'sameAs',
  'status',
  'checkedAt',
  'check',
  'document',
] as const satisfies readonly (keyof BatchReportRow)[];
