import type { DatabaseSync } from 'node:sqlite';
import { prepared } from '../kernel/statements.ts';
import { subjectKey } from '../twin/subjects.ts';
import type { DeciderState } from './decider-state.ts';

type Notes = Pick<
  DeciderState,
  | 'isLabelled'
  | 'setLabelled'
  | 'urlOf'
  | 'rememberUrl'
  | 'buriedAt'
  | 'bury'
  | 'typesOf'
  | 'keysOf'
  | 'link'
  | 'linkedTo'
  | 'linkOf'
  | 'setMerged'
  | 'attempt'
>;

/** What the decider remembers beside the records: labels, urls, early deletions, links. */
export function createNotes(db: DatabaseSync, now: () => number): Notes {
  const sql = prepare(db);
  return {
    isLabelled: (tenant, reference) => sql.label.get(tenant, reference) !== undefined,
    setLabelled(tenant, reference, labelled) {
      if (labelled) sql.setLabel.run(tenant, reference);
      else sql.unsetLabel.run(tenant, reference);
    },
    urlOf(tenant, source, url) {
      const row = sql.url.get(tenant, source, url);
      return row === undefined ? undefined : String(row.reference);
    },
    rememberUrl: (...url) => void sql.setUrl.run(...url),
    buriedAt(tenant, type, id) {
      const row = sql.buried.get(tenant, type, id);
      return row === undefined ? undefined : Number(row.last_updated);
    },
    bury: (tenant, type, id, lastUpdatedMs) =>
      void sql.bury.run(tenant, type, id, lastUpdatedMs, now()),
    typesOf: (tenant, id) => sql.types.all(tenant, id).map(({ type }) => String(type)),
    keysOf: (subject) => sql.keys.all(subjectKey(subject)).map(({ key }) => String(key)),
    link: (tenant, member, survivor) => void sql.setLink.run(tenant, member, survivor),
    linkedTo: (tenant, survivor) =>
      sql.linkedTo
        .all(tenant, survivor)
        .map(({ member, merged }) => ({ member: String(member), merged: merged === 1 })),
    linkOf(tenant, member) {
      const row = sql.link.get(tenant, member);
      if (row === undefined) return undefined;
      return { survivor: String(row.survivor), merged: row.merged === 1 };
    },
    setMerged: (tenant, member) => void sql.setMerged.run(tenant, member),
    attempt(work) {
      prepared(db, 'SAVEPOINT attempt').run();
      try {
        const result = work();
        prepared(db, 'RELEASE attempt').run();
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK TO attempt; RELEASE attempt');
        throw error;
      }
    },
  };
}

function prepare(db: DatabaseSync) {
  return {
    label: db.prepare('SELECT 1 FROM labels WHERE tenant = ? AND reference = ?'),
    setLabel: db.prepare('INSERT OR IGNORE INTO labels VALUES (?, ?)'),
    unsetLabel: db.prepare('DELETE FROM labels WHERE tenant = ? AND reference = ?'),
    url: db.prepare('SELECT reference FROM urls WHERE tenant = ? AND source = ? AND url = ?'),
    setUrl: db.prepare('INSERT OR REPLACE INTO urls VALUES (?, ?, ?, ?)'),
    buried: db.prepare('SELECT last_updated FROM buried WHERE tenant = ? AND type = ? AND id = ?'),
    bury: db.prepare(`INSERT INTO buried VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET last_updated = max(last_updated, excluded.last_updated)`),
    types: db.prepare('SELECT DISTINCT type FROM heads WHERE tenant = ? AND id = ? AND gone = 0'),
    keys: db.prepare('SELECT key FROM heads WHERE subject = ? AND gone = 0 ORDER BY key'),
    setLink: db.prepare(`INSERT INTO links VALUES (?, ?, ?, 0)
      ON CONFLICT DO UPDATE SET survivor = excluded.survivor WHERE merged = 0`),
    linkedTo: db.prepare(`SELECT member, merged FROM links WHERE tenant = ? AND survivor = ?
      ORDER BY member`),
    link: db.prepare('SELECT survivor, merged FROM links WHERE tenant = ? AND member = ?'),
    setMerged: db.prepare('UPDATE links SET merged = 1 WHERE tenant = ? AND member = ?'),
  };
}
