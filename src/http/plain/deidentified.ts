import { once } from 'node:events';
import type { Express } from 'express';
import { ID_PATTERN } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { HttpParts } from '../parts.ts';
import { requireAdmin } from './admins.ts';
import type { Guarded } from './guarded.ts';
import { queryOf } from './query.ts';

const WHY = 'de-identified export: scope twin:deidentified, admin of the organization';

/**
 * The de-identified records of the caller's organization, a line each: for its admins with the scope
 * of its own that what is told in bulk needs. They say nothing of anybody, so no relation is asked.
 */
export function deidentifiedRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/deidentified',
    guarded('deidentified', async (req, res, caller) => {
      const members = membersOf(queryOf(req, ['members']).members);
      await requireAdmin(parts, caller, []);
      const { tenant } = caller.principal;
      const lines = parts.keeping.deidentified(tenant, members);
      const what = (members ?? []).map((id) => ({ uri: `member:${id}` }));
      await parts.audit.append({
        ...({ action: 'configuration', outcome: 'success', ...caller, why: WHY } as const),
        what: what.length > 0 ? what : [{ uri: `organization:${tenant}` }],
      });
      res.setHeader('content-type', 'application/fhir+ndjson');
      res.setHeader('cache-control', 'no-store');
      for (const line of lines) {
        if (res.destroyed) return;
        if (!res.write(`${line}\n`)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
      }
      res.end();
    }),
  );
}

/** @throws Fault INVALID_ARGUMENT */
function membersOf(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const members = [...new Set(text.split(','))];
  const fits = members.length <= LIMITS.forgetMembersMax * 20;
  if (fits && members.every((one) => ID_PATTERN.test(one))) return members;
  throw new Fault('INVALID_ARGUMENT', { detail: 'members are ids, separated by commas.' });
}
