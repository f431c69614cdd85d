import type { Express } from 'express';
import { z } from 'zod';
import type { ReplayRequest } from '../../contract/replays.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { parseJson, readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { requireAdmin } from './admins.ts';
import type { Guarded } from './guarded.ts';
import { queryOf } from './query.ts';

const offset = z.int().min(0);
const topic = z.string().regex(/^[a-z][a-z0-9._-]{0,200}$/);
const point = z.union([
  z.strictObject({ offset }),
  z.strictObject({ time: z.iso.datetime({ offset: true }) }),
]);
const replayBody = z.strictObject({
  topic,
  from: point,
  to: point.optional(),
  into: topic.optional(),
  next: z
    .array(z.tuple([offset, offset]))
    .max(10_000)
    .optional(),
});

/** Sends records again, a bounded step with each request; the caller repeats it with `next`. */
export function replayRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.post(
    '/v1/replays',
    guarded('replay', async (req, res, caller) => {
      queryOf(req, []);
      const body = await readBody(req, ['application/json'], LIMITS.requestBodyBytesMax);
      const request = requestOf(parseJson(body));
      await requireAdmin(parts, caller, []);
      const { replays } = parts;
      if (replays === undefined) {
        const detail = 'This server has no Kafka, so it has no topics to replay.';
        throw new Fault('NOT_FOUND', { detail });
      }
      const { topic: from, into = from } = request;
      const entry = {
        action: 'replay',
        ...caller,
        what: [{ uri: `topic:${from}` }],
        why: `into ${into}: scope admin, admin of the organization`,
      } as const;
      try {
        const step = await replays.step(request);
        await parts.audit.append({ ...entry, outcome: 'success' });
        sendJson(res, 200, step);
      } catch (error) {
        await parts.audit.append({ ...entry, outcome: 'failed' });
        throw error;
      }
    }),
  );
}

function requestOf(body: unknown): ReplayRequest {
  const parsed = replayBody.safeParse(body);
  if (!parsed.success) {
    throw new Fault('INVALID_ARGUMENT', {
      detail:
        'Send { "topic": "twins.resource-events", "from": { "offset": 0 } or ' +
        '{ "time": "2026-01-01T00:00:00Z" }, "to", "into", "next" }.',
    });
  }
  const { to, into, next, ...rest } = parsed.data;
  return {
    ...rest,
    ...(to !== undefined && { to }),
    ...(into !== undefined && { into }),
    ...(next !== undefined && { next }),
  };
}
