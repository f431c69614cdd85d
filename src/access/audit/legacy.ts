import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/**
 * Trails of before the Merkle log: one hash chain, whose records were AuditEvents. They are taken
 * over as they stand, after a row that says the chain's length and head, so that the old chain can
 * be proven from the new rows for ever.
 */
export function isLegacy(db: DatabaseSync): boolean {
  const columns = db.prepare('PRAGMA table_info(record)').all();
  return columns.length > 0 && !columns.some(({ name }) => name === 'gen');
}

export interface LegacyChain {
  readonly records: number;
  /** 64 hexadecimal digits. */
  readonly head: string;
  /** The first record that did not follow when it was taken over; 0: all did. */
  readonly firstBad: number;
}

/** Sets the old tables aside, within the caller's transaction. */
export function setAside(db: DatabaseSync): LegacyChain {
  for (const table of ['record', 'about']) {
    for (const verb of ['update', 'delete']) db.exec(`DROP TRIGGER IF EXISTS ${table}_no_${verb}`);
    db.exec(`ALTER TABLE ${table} RENAME TO old_${table}`);
  }
  let chain: LegacyChain = { records: 0, head: '0'.repeat(64), firstBad: 0 };
  for (const { seq, hash, body } of db.prepare('SELECT * FROM old_record ORDER BY seq').iterate()) {
    const head = legacyNext(chain.head, String(body));
    const fits = Number(seq) === chain.records + 1 && head === hash;
    const firstBad = chain.firstBad === 0 && !fits ? Number(seq) : chain.firstBad;
    chain = { records: chain.records + 1, head, firstBad };
  }
  return chain;
}

/** The old records in their order; then the old tables go. */
export function* takenOver(db: DatabaseSync): Generator<{ body: string; members: string[] }> {
  const about = db.prepare('SELECT member FROM old_about WHERE seq = ?');
  for (const { seq, body } of db.prepare('SELECT * FROM old_record ORDER BY seq').iterate()) {
    const members = about.all(seq ?? 0).map(({ member }) => String(member));
    yield { body: String(body), members };
  }
  db.exec('DROP TABLE old_about');
  db.exec('DROP TABLE old_record');
}

/** SHA-256 of the previous hash (32 bytes), then the record's canonical JSON in UTF-8. */
export function legacyNext(previous: string, body: string): string {
  return createHash('sha256').update(previous, 'hex').update(body).digest('hex');
}
