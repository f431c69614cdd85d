import type { Express, Request } from 'express';
import { z } from 'zod';
import {
  BREAK_GLASS_FILTERS,
  type BreakGlassReason,
  REASON_CODES,
  REVIEW_OUTCOMES,
} from '../../contract/break-glass.ts';
import { ID_PATTERN } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { parseJson, readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';
import { integerOf, queryOf, wrong } from './query.ts';

const { minutesMax, textCharsMin, textCharsMax, pageMax } = LIMITS.breakGlass;
const BODY_BYTES_MAX = 16 * 1024;
/** Of a case: 128 random bits in base32. */
const CASE = /^[a-z2-7]{26}$/;
/** A person's words: lines, and no other control characters. */
const words = (least: number) =>
  z
    .string()
    .trim()
    .min(least)
    .max(textCharsMax)
    .regex(/^(?:\P{Cc}|\n)*$/u);
const openBody = z.strictObject({
  member: z.string().regex(ID_PATTERN),
  reason: z.enum(REASON_CODES as [BreakGlassReason, ...BreakGlassReason[]]),
  text: words(textCharsMin),
  minutes: z.int().min(1).max(minutesMax).optional(),
});
const reviewBody = z.strictObject({
  outcome: z.enum(REVIEW_OUTCOMES),
  text: words(0).optional(),
});
const OPEN_EXAMPLE =
  `Send { "member": "…", "reason": one of ${REASON_CODES.join(', ')}, "text": why, in ` +
  `${textCharsMin} to ${textCharsMax} characters, "minutes": 1 to ${minutesMax} }; minutes may be ` +
  `left out.`;
const REVIEW_EXAMPLE =
  `Send { "outcome": one of ${REVIEW_OUTCOMES.join(', ')}, "text": "…" }; text may be left out, ` +
  `and has ${textCharsMax} characters at most.`;

/** A member's record in an emergency, for a person; its review, for privacy officers. */
export function breakGlassRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  const { breakGlass: desk } = parts;
  app.post(
    '/v1/break-glass',
    guarded('break-glass', async (req, res, caller) => {
      queryOf(req, []);
      const asked = await bodyOf(req, openBody, OPEN_EXAMPLE);
      sendJson(res, 201, await desk.open(caller, asked));
    }),
  );
  app.get(
    '/v1/break-glass',
    guarded('break-glass', async (req, res, caller) => {
      const query = queryOf(req, ['filter', 'limit', 'cursor']);
      if (query.filter === undefined) {
        return sendJson(res, 200, { cases: await desk.own(caller) });
      }
      const filter = BREAK_GLASS_FILTERS.find((one) => one === query.filter);
      if (filter === undefined) {
        throw wrong('filter', `must be one of ${BREAK_GLASS_FILTERS.join(', ')}`);
      }
      const limit = integerOf('limit', query.limit, 1, pageMax) ?? pageMax;
      const { cursor } = query;
      if (cursor !== undefined && !CASE.test(cursor)) throw wrong('cursor', 'not that of a page');
      sendJson(res, 200, await desk.queue(caller, { filter, limit, cursor }));
    }),
  );
  app.post(
    '/v1/break-glass/:id/end',
    guarded('break-glass', async (req, res, caller) => {
      queryOf(req, []);
      sendJson(res, 200, await desk.end(caller, caseIn(req)));
    }),
  );
  app.post(
    '/v1/break-glass/:id/review',
    guarded('break-glass', async (req, res, caller) => {
      queryOf(req, []);
      const asked = await bodyOf(req, reviewBody, REVIEW_EXAMPLE);
      sendJson(res, 200, await desk.review(caller, caseIn(req), asked));
    }),
  );
}

function caseIn(req: Request): string {
  const id = String(req.params.id);
  if (CASE.test(id)) return id;
  throw new Fault('NOT_FOUND', { detail: 'There is no such case, or it is not for you.' });
}

/** @throws Fault INVALID_ARGUMENT; what was sent is never repeated */
async function bodyOf<T>(req: Request, schema: z.ZodType<T>, example: string): Promise<T> {
  const body = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new Fault('INVALID_ARGUMENT', { detail: example });
}
