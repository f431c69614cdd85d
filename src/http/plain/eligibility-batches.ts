import { once } from 'node:events';
import type { Express, Request, Response } from 'express';
import { type BatchReportRow, REPORT_COLUMNS } from '../../contract/eligibility-batches.ts';
import { Fault } from '../../kernel/errors.ts';
import type { BatchesDesk, HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';
import { queryOf, wrong } from './query.ts';

const FORMATS: Readonly<Record<string, 'csv' | 'ndjson'>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
};
const BATCH = /^[a-z2-7]{26}$/;
const KEY = /^[A-Za-z0-9_-]{8,128}$/;

/** Files of checks: 202 once all rows are durable, then how far it is, and what came of each row. */
export function eligibilityBatchRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  const { eligibilityBatches: desk = absent() } = parts;
  app.post(
    '/v1/eligibility/batches',
    guarded('eligibility', async (req, res, caller) => {
      queryOf(req, []);
      const type = req.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
      const format = FORMATS[type];
      if (format === undefined || req.get('content-encoding') !== undefined) {
        const detail = 'Send text/csv or application/x-ndjson, without Content-Encoding.';
        throw new Fault('UNSUPPORTED_MEDIA', { detail });
      }
      const status = await desk.submit(caller, whole(req), format, keyIn(req));
      const location = `/v1/eligibility/batches/${status.batchId}`;
      sendJson(res, 202, status, { location });
    }),
  );
  app.get(
    '/v1/eligibility/batches',
    guarded('eligibility', async (req, res, caller) => {
      queryOf(req, []);
      sendJson(res, 200, { batches: await desk.list(caller) });
    }),
  );
  app.get(
    '/v1/eligibility/batches/:id',
    guarded('eligibility', async (req, res, caller) => {
      queryOf(req, []);
      sendJson(res, 200, await desk.status(caller, batchIn(req)));
    }),
  );
  app.get(
    '/v1/eligibility/batches/:id/report',
    guarded('eligibility', async (req, res, caller) => {
      const { format = 'ndjson' } = queryOf(req, ['format']);
      if (format !== 'csv' && format !== 'ndjson') throw wrong('format', 'must be csv or ndjson');
      await sendReport(res, format, await desk.report(caller, batchIn(req)));
    }),
  );
}

/** @throws Fault INVALID_REQUEST where the client went before the end: then nothing is kept */
async function* whole(req: Request): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of req) yield chunk as Uint8Array;
  } catch (cause) {
    throw new Fault('INVALID_REQUEST', { detail: 'The body was cut off.', cause });
  }
  if (!req.complete) throw new Fault('INVALID_REQUEST', { detail: 'The body was cut off.' });
}

async function sendReport(
  res: Response,
  format: 'csv' | 'ndjson',
  pages: AsyncIterable<readonly BatchReportRow[]>,
): Promise<void> {
  let begun = false;
  for await (const page of pages) {
    if (!begun) {
      begun = true;
      res.setHeader('content-type', format === 'csv' ? 'text/csv; charset=utf-8' : NDJSON);
      res.setHeader('cache-control', 'no-store');
      if (format === 'csv') res.write(`${REPORT_COLUMNS.join(',')}\r\n`);
    }
    if (res.destroyed) return;
    const text = page.map((row) => (format === 'csv' ? csvOf(row) : `${JSON.stringify(row)}\n`));
    if (!res.write(text.join(''))) await Promise.race([once(res, 'drain'), once(res, 'close')]);
  }
  res.end();
}

const NDJSON = 'application/x-ndjson';

/** RFC 4180. A cell that a spreadsheet would take for a formula is text. */
function csvOf(row: BatchReportRow): string {
  const cells = REPORT_COLUMNS.map((column) => {
    const text = String(row[column] ?? '');
    const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${cells.join(',')}\r\n`;
}

function batchIn(req: Request): string {
  const id = String(req.params.id);
  if (BATCH.test(id)) return id;
  throw new Fault('NOT_FOUND', { detail: 'There is no such batch, or it is not yours.' });
}

function keyIn(req: Request): string | undefined {
  const key = req.get('idempotency-key');
  if (key === undefined || KEY.test(key)) return key;
  throw new Fault('INVALID_ARGUMENT', { detail: `Idempotency-Key must match ${KEY.source}.` });
}

function absent(): BatchesDesk {
  const no = (): never => {
    const detail = 'This server asks no clearinghouse: STEDI_API_KEY is not set.';
    throw new Fault('NOT_FOUND', { detail });
  };
  return {
    submit: async () => no(),
    status: async () => no(),
    list: async () => no(),
    report: async () => no(),
  };
}
