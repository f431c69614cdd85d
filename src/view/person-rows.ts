import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../kernel/limits.ts';
import { prepared } from '../kernel/statements.ts';
import type { Person, PersonQuery } from '../twin/ports.ts';
import type { Projection } from '../twin/projection.ts';
import { fold } from '../twin/search/terms.ts';

/** How one member is found. */
export class StoredPerson {
  readonly #member: string;
  #said: string | undefined;
  #tokens: ReadonlySet<string>;

  constructor(db: DatabaseSync, member: string) {
    this.#member = member;
    const rows = prepared(db, 'SELECT token FROM person_tokens WHERE member = ?').all(member);
    this.#tokens = new Set(rows.map(({ token }) => String(token)));
  }

  /** Without a person the member is not found at all. */
  replace(db: DatabaseSync, tenant: string, person: Projection['person']): void {
    const said = JSON.stringify([tenant, person ?? null]);
    if (said === this.#said) return;
    this.#said = said;
    if (person === undefined) {
      prepared(db, 'DELETE FROM persons WHERE member = ?').run(this.#member);
    } else {
      const { patient, name, birthDate } = person;
      prepared(db, 'INSERT OR REPLACE INTO persons VALUES (?, ?, ?, ?, ?)').run(
        ...[this.#member, tenant, patient, name, birthDate],
      );
    }
    this.#replaceTokens(db, tokensOf(this.#member, person));
  }

  #replaceTokens(db: DatabaseSync, tokens: ReadonlySet<string>): void {
    const drop = prepared(db, 'DELETE FROM person_tokens WHERE token = ? AND member = ?');
    const put = prepared(db, 'INSERT INTO person_tokens VALUES (?, ?)');
    for (const token of this.#tokens.difference(tokens)) drop.run(token, this.#member);
    for (const token of tokens.difference(this.#tokens)) put.run(token, this.#member);
    this.#tokens = tokens;
  }
}

function tokensOf(member: string, person: Projection['person']): Set<string> {
  if (person === undefined) return new Set();
  const { patient, name, birthDate, numbers } = person;
  const whole = [birthDate, patient, member, ...numbers].map((text) => fold(text).trim());
  return new Set([...whole, ...words(name)].filter((token) => token !== ''));
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
