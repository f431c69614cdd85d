import type { Express } from 'express';
import { z } from 'zod';
import { Fault } from '../../kernel/errors.ts';
import { parseJson, readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { requireAdmin } from './admins.ts';
import type { Guarded } from './guarded.ts';
import { queryOf, required } from './query.ts';

const BODY_BYTES_MAX = 4 * 1024;
const count = z.int().min(0).max(10_000_000);
const ms = z.number().min(-3_600_000).max(3_600_000);
const percentiles = z.strictObject({ p50: ms, p99: ms });
const comparison = z.strictObject({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  both: count,
  onlyGateway: count,
  onlyPusher: count,
  repeated: z.strictObject({ gateway: count, pusher: count }),
  latencyMs: z.strictObject({
    gateway: z.exactOptional(percentiles),
    pusher: z.exactOptional(percentiles),
  }),
});

/** Where an app connects, what it asks when it cannot be pushed to, and how the move stands. */
export function realtimeRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  const { realtime } = parts;
  if (realtime === undefined) return;
  app.get(
    '/v1/realtime/info',
    guarded('subscribe', async (req, res, caller) => {
      const member = required(queryOf(req, ['member']), 'member');
      sendJson(res, 200, await realtime.info(caller, member));
    }),
  );
  app.get(
    '/v1/calls/:id',
    guarded('subscribe', async (req, res, caller) => {
      queryOf(req, []);
      sendJson(res, 200, await realtime.call(caller, String(req.params.id)));
    }),
  );
  app.get(
    '/v1/realtime/rollout',
    guarded('flags', async (req, res, caller) => {
      queryOf(req, []);
      await requireAdmin(parts, caller, []);
      sendJson(res, 200, realtime.rollout.status());
    }),
  );
  app.post(
    '/v1/realtime/comparisons',
    guarded('flags', async (req, res, caller) => {
      queryOf(req, []);
      const body = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
      const parsed = comparison.safeParse(body);
      if (!parsed.success) {
        throw new Fault('INVALID_ARGUMENT', {
          detail: 'Send what `pusher compare --json` prints.',
        });
      }
      await requireAdmin(parts, caller, []);
      realtime.rollout.compared(parsed.data);
      sendJson(res, 201, {});
    }),
  );
}
