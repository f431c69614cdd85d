import type { AuditRow } from '../../contract/audit/row.ts';

/** A kept row with what it says. */
export interface TrailRow {
  readonly generation: string;
  readonly instance: string;
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly body: string;
  readonly row: AuditRow;
}
