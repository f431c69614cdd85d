import type { Express } from 'express';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { requireAdmin } from './admins.ts';
import type { Guarded } from './guarded.ts';
import { queryOf } from './query.ts';

/** Copies of this instance's view, from which new instances start: for admins with `admin`. */
export function snapshotRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/snapshots',
    guarded('snapshots', async (req, res, caller) => {
      queryOf(req, []);
      await requireAdmin(parts, caller, []);
      sendJson(res, 200, { snapshots: await parts.snapshots.list() });
    }),
  );
  app.post(
    '/v1/snapshots',
    guarded('snapshots', async (req, res, caller) => {
      queryOf(req, []);
      await requireAdmin(parts, caller, []);
      const snapshot = await parts.snapshots.create();
      const what = [{ uri: `snapshot:${snapshot.name}` }];
      await parts.audit.append({
        ...{ action: 'snapshot', outcome: 'success', ...caller, what },
        why: 'scope admin, admin of the organization',
      });
      sendJson(res, 201, snapshot);
    }),
  );
}
