import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../kernel/limits.ts';
import type { EntryOutcome } from '../twin/ports.ts';

interface Whose {
  readonly tenant: string;
  readonly eventId: string;
  readonly provenance: { readonly source: string };
}

/** What a refused entry leaves: where it stood and why, never anything of what it said. */
export interface Refusals {
  keep(by: Whose, at: number, refused: readonly EntryOutcome[]): void;
}

export function createRefusals(db: DatabaseSync): Refusals {
  const put = db.prepare(`INSERT INTO refusals
    (tenant, at, source, event, line, entry, type, path, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const trim = db.prepare(`DELETE FROM refusals WHERE tenant = ? AND number <= (
    SELECT number FROM refusals WHERE tenant = ? ORDER BY number DESC LIMIT 1 OFFSET ?)`);
  return {
    keep({ tenant, eventId, provenance: { source } }, at, refused) {
      if (refused.length === 0) return;
      for (const { line, entry, type, path, reason } of refused) {
        const where = [line ?? null, entry, type, path ?? '', reason ?? ''] as const;
        put.run(tenant, at, source, eventId, ...where);
      }
      trim.run(tenant, tenant, LIMITS.refusalsKeptMax);
    },
  };
}
