import type { Express, Request } from 'express';
import { CHECK_EXAMPLE, CHECK_LIMITS, checkBody } from '../../contract/eligibility.ts';
import { Fault } from '../../kernel/errors.ts';
import { parseJson, readBody } from '../body.ts';
import type { EligibilityDesk, HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';
import { integerOf, queryOf } from './query.ts';

const BODY_BYTES_MAX = 16 * 1024;
/** RFC 9745 and RFC 8594: holding a request is for callers who cannot change yet. */
const HELD = {
  deprecation: '@1796083200',
  sunset: 'Thu, 31 Dec 2027 23:59:59 GMT',
  link: '</docs/eligibility.md>; rel="deprecation"',
} as const;

/** Checks: 200 with what is known, or 202 with what to wait for (docs/eligibility.md). */
export function eligibilityRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  const { eligibility: desk = absent() } = parts;
  app.post(
    '/v1/eligibility/checks',
    guarded('eligibility', async (req, res, caller) => {
      const query = queryOf(req, ['wait']);
      const json = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
      const parsed = checkBody.safeParse(json);
      if (!parsed.success) throw new Fault('INVALID_ARGUMENT', { detail: CHECK_EXAMPLE });
      const seconds = integerOf('wait', query.wait, 0, CHECK_LIMITS.waitMsMax / 1000);
      const waitMs = seconds === undefined ? parsed.data.waitMs : seconds * 1000;
      const gone = new AbortController();
      res.once('close', () => gone.abort());
      const asked = { ...parsed.data, ...(waitMs !== undefined && { waitMs }) };
      const answer = await desk.check(caller, asked, { signal: gone.signal });
      const status = answer.status === 'processing' ? 202 : 200;
      const location = `/v1/eligibility/checks/${answer.checkId}`;
      sendJson(res, status, answer, {
        ...(status === 202 && { location }),
        ...(waitMs !== undefined && waitMs > 0 && HELD),
      });
    }),
  );
  app.get(
    '/v1/eligibility/checks/:id',
    guarded('eligibility', async (req, res, caller) => {
      queryOf(req, []);
      sendJson(res, 200, await desk.report(caller, checkIn(req)));
    }),
  );
  app.get(
    '/v1/eligibility/status',
    guarded('eligibility-status', async (req, res) => {
      queryOf(req, []);
      sendJson(res, 200, desk.status());
    }),
  );
}

function absent(): EligibilityDesk {
  const no = (): never => {
    const detail = 'This server asks no clearinghouse: STEDI_API_KEY is not set.';
    throw new Fault('NOT_FOUND', { detail });
  };
  return { check: async () => no(), report: async () => no(), status: no };
}

function checkIn(req: Request): string {
  const id = String(req.params.id);
  if (CHECK_LIMITS.id.test(id)) return id;
  throw new Fault('NOT_FOUND', { detail: 'There is no such check, or it is not for you.' });
}
