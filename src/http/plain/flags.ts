import type { Express } from 'express';
import { z } from 'zod';
import { Fault } from '../../kernel/errors.ts';
import { parseJson, readBody } from '../body.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { requireAdmin } from './admins.ts';
import type { Guarded } from './guarded.ts';
import { queryOf } from './query.ts';

const BODY_BYTES_MAX = 4 * 1024;
const flagBody = z.strictObject({ name: z.string().max(64), value: z.string().max(64) });

/** What an operator may turn while the server runs: for admins with the scope `admin`. */
export function flagRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/flags',
    guarded('flags', async (req, res, caller) => {
      queryOf(req, []);
      await requireAdmin(parts, caller, []);
      sendJson(res, 200, await parts.flags.list());
    }),
  );
  app.post(
    '/v1/flags',
    guarded('flags', async (req, res, caller) => {
      queryOf(req, []);
      const body = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
      const parsed = flagBody.safeParse(body);
      if (!parsed.success) {
        const detail = 'Send { "name": "event-delivery", "value": "poll" }.';
        throw new Fault('INVALID_ARGUMENT', { detail });
      }
      const { name, value } = parsed.data;
      await requireAdmin(parts, caller, []);
      await parts.flags.set(name, value);
      const what = [{ uri: `flag:${name}=${value}` }];
      await parts.audit.append({
        ...{ action: 'flags', outcome: 'success', ...caller, what },
        why: 'scope admin, admin of the organization',
      });
      sendJson(res, 200, await parts.flags.list());
    }),
  );
}
