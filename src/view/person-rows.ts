import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../kernel/limits.ts';
import { prepared } from '../kernel/statements.ts';
import type { Person, PersonQuery } from '../twin/ports.ts';
import type { Projection } from '../twin/projection.ts';
import { fold } from '../twin/search/terms.ts';

/** Replaces how a member is found; without a person the member is not found at all. */
export function replacePerson(
  db: DatabaseSync,
  member: string,
  tenant: string,
  person: Projection['person'],
): void {
  prepared(db, 'DELETE FROM persons WHERE member = ?').run(member);
  prepared(db, 'DELETE FROM person_tokens WHERE member = ?').run(member);
  if (person === undefined) return;
  const { patient, name, birthDate, numbers } = person;
  prepared(db, 'INSERT INTO persons VALUES (?, ?, ?, ?, ?)').run(
    ...[member, tenant, patient, name, birthDate],
  );
  const put = prepared(db, 'INSERT OR IGNORE INTO person_tokens VALUES (?, ?)');
  const whole = [birthDate, patient, member, ...numbers].map((text) => fold(text).trim());
  for (const token of [...whole, ...words(name)]) if (token !== '') put.run(token, member);
}

const HAS = 'persons.member IN (SELECT member FROM person_tokens WHERE token = ?)';

/**
 * Members to whom everything that was asked applies: each piece a name word, birth date, number
 * or id as a whole. Never a beginning of one, never a pattern.
 */
export function findPersons(
  db: DatabaseSync,
  { tenant, members, text, limit }: PersonQuery,
): Person[] {
  const whole = fold(text).trim();
  const pieces = whole.split(/[\s,;]+/).filter((piece) => piece !== '');
  if (pieces.length === 0 || pieces.length > LIMITS.searchTermsMax) return [];
  const conditions = pieces.map(pieceCondition);
  const asked = `(${HAS} OR (${conditions.map(({ sql }) => sql).join(' AND ')}))`;
  return db
    .prepare(`SELECT member, tenant, patient, name, birth_date FROM persons WHERE ${asked}
      AND tenant = coalesce(?, tenant)
      AND (? IS NULL OR member IN (SELECT value FROM json_each(?)))
      ORDER BY member LIMIT ?`)
    .all(
      ...[whole, ...conditions.flatMap(({ values }) => values)],
      ...[tenant ?? null, ...twice(members === undefined ? null : JSON.stringify(members)), limit],
    )
    .map((row) => ({
      member: String(row.member),
      tenant: String(row.tenant),
      patient: String(row.patient),
      name: String(row.name),
      birthDate: String(row.birth_date),
    }));
}

/** "O'Connor" is a piece of two words; birth dates and numbers are asked for as they are. */
function pieceCondition(piece: string): { sql: string; values: string[] } {
  const parts = words(piece);
  if (!/\p{L}/u.test(piece)) return { sql: HAS, values: [piece] };
  const all = parts.map(() => HAS).join(' AND ');
  return { sql: `(${HAS} OR (${all}))`, values: [piece, ...parts] };
}

function words(text: string): string[] {
  return fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

function twice<T>(value: T): [T, T] {
  return [value, value];
}
