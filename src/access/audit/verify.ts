import { DatabaseSync } from 'node:sqlite';
import { type Checkpoint, GENESIS, nextHash } from './chain.ts';
import type { StoredRecord } from './store.ts';

export type AuditVerdict =
  | { readonly ok: true; readonly records: number; readonly head: Checkpoint }
  | { readonly ok: false; readonly firstBad: number; readonly why: string };

/** Rows between two pauses for the event loop. */
const ROWS_BETWEEN_PAUSES = 500;

/**
 * Walks the chain and names the first record that is not what was written: edited, deleted,
 * reordered or duplicated. A chain that was cut or written anew from its start is whole in itself:
 * that shows only against a checkpoint that was kept elsewhere.
 * @param path of audit.db; opened for reading only, also beside a running server.
 */
export async function verifyAudit(path: string, outside?: Checkpoint): Promise<AuditVerdict> {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = db.prepare('SELECT seq, hash, body FROM record ORDER BY seq');
    let last = GENESIS;
    for (const row of rows.iterate() as Iterable<unknown> as Iterable<StoredRecord>) {
      const bad = faultOf(last, row, outside);
      if (bad !== undefined) return bad;
      last = { seq: row.seq, hash: row.hash };
      if (row.seq % ROWS_BETWEEN_PAUSES === 0) await new Promise(setImmediate);
    }
    if (outside !== undefined && last.seq < outside.seq) {
      return bad(last.seq + 1, `missing: the checkpoint knows records up to ${outside.seq}`);
    }
    return { ok: true, records: last.seq, head: last };
  } finally {
    db.close();
  }
}

function faultOf(
  last: Checkpoint,
  { seq, hash, body }: StoredRecord,
  outside: Checkpoint | undefined,
): AuditVerdict | undefined {
  if (seq !== last.seq + 1) return bad(last.seq + 1, `missing: the next record is ${seq}`);
  if (hash !== nextHash(last.hash, body)) {
    return bad(seq, 'its hash does not follow from its content and the record before');
  }
  if (seq === outside?.seq && hash !== outside.hash) {
    return bad(seq, 'written anew: the checkpoint, kept elsewhere, has another hash');
  }
  return undefined;
}

function bad(firstBad: number, why: string): AuditVerdict {
  return { ok: false, firstBad, why };
}
