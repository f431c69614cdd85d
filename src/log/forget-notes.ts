import type { DatabaseSync } from 'node:sqlite';
import { isObject } from '../kernel/json.ts';

export interface Whom {
  readonly tenant: string;
  /** The member, and those whom they replaced. */
  readonly members: readonly string[];
}

/** What tells that a text is about somebody: their ids at us and at their sources, and identifiers. */
interface Marks {
  readonly references: ReadonlySet<string>;
  /** `system|value`. */
  readonly identifiers: ReadonlySet<string>;
}

/**
 * Deletes what the decider noted beside the records of these members, before their records are
 * buried: identifiers, ids at their sources, urls, links, days to come, what waits and names them,
 * and the part of kept receipts that tells who they are.
 */
export function dropNotes(db: DatabaseSync, whom: Whom): void {
  const { tenant, members } = whom;
  const list = JSON.stringify(members);
  const subjects = JSON.stringify(members.map((id) => `member:${id}`));
  dropWaiting(db, tenant, marksOf(db, whom));
  clearReceipts(db, tenant, new Set(members));
  db.prepare(`DELETE FROM urls WHERE tenant = ? AND reference IN (
    SELECT type || '/' || id FROM heads WHERE subject IN (SELECT value FROM json_each(?)))`).run(
    ...[tenant, subjects],
  );
  db.prepare(`DELETE FROM identifiers WHERE tenant = ?1 AND EXISTS (
    SELECT 1 FROM heads WHERE heads.tenant = ?1 AND heads.id = identifiers.id
      AND heads.type = identifiers.type AND subject IN (SELECT value FROM json_each(?2)))`).run(
    ...[tenant, subjects],
  );
  db.prepare(`DELETE FROM links WHERE tenant = ?1 AND (
    member IN (SELECT value FROM json_each(?2)) OR survivor IN (SELECT value FROM json_each(?2)))`).run(
    ...[tenant, list],
  );
  db.prepare('DELETE FROM due WHERE subject IN (SELECT value FROM json_each(?))').run(subjects);
  db.prepare('DELETE FROM members WHERE member IN (SELECT value FROM json_each(?))').run(list);
}

function marksOf(db: DatabaseSync, { tenant, members }: Whom): Marks {
  const list = JSON.stringify(members);
  const rows = db
    .prepare('SELECT patient FROM members WHERE member IN (SELECT value FROM json_each(?))')
    .all(list);
  const ids = [...members, ...rows.map(({ patient }) => String(patient))];
  const identified = db
    .prepare(`SELECT system, value FROM identifiers WHERE tenant = ? AND type = 'Patient'
      AND id IN (SELECT value FROM json_each(?))`)
    .all(tenant, list);
  return {
    references: new Set(ids.flatMap((id) => [`Patient/${id}`, `urn:uuid:${id}`])),
    identifiers: new Set(identified.map(({ system, value }) => `${system}|${value}`)),
  };
}

function dropWaiting(db: DatabaseSync, tenant: string, marks: Marks): void {
  const found: number[] = [];
  for (const { number, body } of db
    .prepare('SELECT number, body FROM waiting WHERE tenant = ?')
    .iterate(tenant)) {
    if (names(JSON.parse(String(body)), marks)) found.push(Number(number));
  }
  const list = JSON.stringify(found);
  db.prepare('DELETE FROM needs WHERE number IN (SELECT value FROM json_each(?))').run(list);
  db.prepare('DELETE FROM waiting WHERE number IN (SELECT value FROM json_each(?))').run(list);
}

/** Whether a text of the value refers to somebody, or carries an identifier of theirs. */
function names(value: unknown, marks: Marks): boolean {
  if (typeof value === 'string') return refers(value, marks);
  if (Array.isArray(value)) return value.some((one) => names(one, marks));
  if (!isObject(value)) return false;
  const { system, value: given, resourceType, id } = value;
  if (typeof given === 'string' && marks.identifiers.has(`${textOf(system)}|${given}`)) return true;
  if (resourceType === 'Patient' && marks.references.has(`Patient/${textOf(id)}`)) return true;
  return Object.values(value).some((one) => names(one, marks));
}

function refers(text: string, { references, identifiers }: Marks): boolean {
  if (references.has(text)) return true;
  const asked = text.indexOf('Patient?identifier=');
  if (asked >= 0) return identifiers.has(text.slice(asked + 'Patient?identifier='.length));
  const at = text.lastIndexOf('/Patient/');
  return at >= 0 && references.has(text.slice(at + 1));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A duplicate of an old event still has no second effect, but its receipt names nobody forgotten. */
function clearReceipts(db: DatabaseSync, tenant: string, members: ReadonlySet<string>): void {
  const rows = db.prepare('SELECT event, outcome FROM seen WHERE tenant = ?').iterate(tenant);
  const changed: [string, string][] = [];
  for (const row of rows) {
    const outcome = JSON.parse(String(row.outcome)) as { members?: { member: string }[] };
    const left = outcome.members?.filter(({ member }) => !members.has(member));
    if (left === undefined || left.length === outcome.members?.length) continue;
    changed.push([JSON.stringify({ ...outcome, members: left }), String(row.event)]);
  }
  const put = db.prepare('UPDATE seen SET outcome = ? WHERE tenant = ? AND event = ?');
  for (const [outcome, event] of changed) put.run(outcome, tenant, event);
}
