import type { Express } from 'express';
import { z } from 'zod';
import { PUBLISHED_EVENTS } from '../../contract/scopes.ts';
import { ID_PATTERN } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { parseJson, readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import type { Guarded } from './guarded.ts';
import { queryOf } from './query.ts';

const BODY_BYTES_MAX = 64 * 1024;
const bodySchema = z.strictObject({
  type: z.enum(PUBLISHED_EVENTS),
  member: z.string().regex(ID_PATTERN),
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/)
    .optional(),
  time: z.iso.datetime().optional(),
  data: z.record(z.string(), z.json()).default({}),
});
const EXAMPLE =
  'Send { "type": "call.join", "member": "…", "id": "…", "time": ISO 8601, ' +
  '"data": the fields of the event }; id, time and data may be left out.';

/** `POST /v1/events`: the event gateway for producers without Kafka. */
export function eventRoutes(app: Express, { events }: HttpParts, guarded: Guarded): void {
  if (events === undefined) return;
  app.post(
    '/v1/events',
    guarded('publish-event', async (req, res, caller) => {
      queryOf(req, []);
      const { data, success } = bodySchema.safeParse(
        parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX)),
      );
      if (!success) throw new Fault('INVALID_ARGUMENT', { detail: EXAMPLE });
      sendJson(res, 201, await events.publish(caller, data));
    }),
  );
}
