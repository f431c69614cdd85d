import type { Express } from 'express';
import { ENROLLMENT_EXAMPLE, enrollmentBody } from '../../contract/enrollments.ts';
import { Fault } from '../../kernel/errors.ts';
import { parseJson, readBody } from '../body.ts';
import type { EnrollmentsDesk, HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';
import { queryOf } from './query.ts';

const BODY_BYTES_MAX = 16 * 1024;

/** 202 while the payer's answer is awaited, 201 where it is decided; then how it stands. */
export function enrollmentRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  const { enrollments: desk = absent() } = parts;
  app.post(
    '/v1/enrollments',
    guarded('eligibility', async (req, res, caller) => {
      queryOf(req, []);
      const json = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
      const parsed = enrollmentBody.safeParse(json);
      if (!parsed.success) throw new Fault('INVALID_ARGUMENT', { detail: ENROLLMENT_EXAMPLE });
      const enrollment = await desk.submit(caller, parsed.data);
      const location = `/v1/enrollments/${enrollment.id}`;
      sendJson(res, enrollment.state === 'pending' ? 202 : 201, enrollment, { location });
    }),
  );
  app.get(
    '/v1/enrollments/:id',
    guarded('eligibility', async (req, res, caller) => {
      queryOf(req, []);
      sendJson(res, 200, await desk.get(caller, String(req.params.id)));
    }),
  );
}

function absent(): EnrollmentsDesk {
  const no = (): never => {
    const detail = 'This server asks no clearinghouse: STEDI_API_KEY is not set.';
    throw new Fault('NOT_FOUND', { detail });
  };
  return { submit: async () => no(), get: async () => no() };
}
