import type { BatchReportRow, BatchStatus } from '../contract/eligibility-batches.ts';
import type { PlainHttp } from './http.ts';

/** Files of eligibility checks. */
export interface Batches {
  /** Rows as CSV with a header, or a JSON object a line; the same key is the same batch. */
  submit(
    rows: string | Uint8Array<ArrayBuffer>,
    options: { readonly format: 'csv' | 'ndjson'; readonly idempotencyKey?: string },
  ): Promise<BatchStatus>;
  status(id: string): Promise<BatchStatus>;
  /** The caller's own, newest first. */
  list(): Promise<readonly BatchStatus[]>;
  /** Every row as it stands now, in the order in which they were sent. */
  report(id: string): AsyncIterable<BatchReportRow>;
}

const PATH = '/v1/eligibility/batches';
const TYPES = { csv: 'text/csv', ndjson: 'application/x-ndjson' } as const;

export function batchesOf(http: PlainHttp): Batches {
  const at = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;
  return {
    submit: (rows, { format, idempotencyKey }) =>
      http.post(PATH, {}, rows, {
        'content-type': TYPES[format],
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      }),
    status: (id) => http.get(at(id)),
    list: async () => (await http.get<{ batches: BatchStatus[] }>(PATH)).batches,
    async *report(id) {
      for await (const line of http.lines(`${at(id)}/report`, {})) {
        yield JSON.parse(line) as BatchReportRow;
      }
    },
  };
}
