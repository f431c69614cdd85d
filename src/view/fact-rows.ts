import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { JsonObject } from '../kernel/json.ts';
import { prepared } from '../kernel/statements.ts';
import type { IndexRow, SearchArea, SearchQuery } from '../twin/ports.ts';
import { subjectKey, subjectOf } from '../twin/subjects.ts';
import type { KnownSubjects } from './known-subjects.ts';
import { matchExpression, subjectToken } from './match.ts';

/** The stored search rows of one subject: their numbers by what they say. */
export class StoredFacts {
  readonly #subject: string;
  #numbers: ReadonlyMap<string, readonly number[]>;

  constructor(db: DatabaseSync, subject: string) {
    this.#subject = subject;
    const rows = prepared(db, 'SELECT number, digest FROM facts WHERE subject = ?').all(subject);
    const numbers = new Map<string, number[]>();
    for (const row of rows) add(numbers, String(row.digest), Number(row.number));
    this.#numbers = numbers;
  }

  /** Touches only rows that differ. @param number of the subject */
  replace(db: DatabaseSync, number: number, rows: readonly IndexRow[]): void {
    const put = prepared(db, `INSERT INTO facts VALUES (NULL, ${Array(13).fill('?')})`);
    const text = prepared(
      db,
      `INSERT INTO facts_text (rowid, subject, title, text, codes)
      VALUES (?, ?, ?, ?, ?)`,
    );
    const token = subjectToken(number);
    const stale = new Map([...this.#numbers].map(([digest, numbers]) => [digest, [...numbers]]));
    const numbers = new Map<string, number[]>();
    for (const row of rows) {
      const digest = digestOf(row);
      const held = stale.get(digest)?.pop();
      if (held !== undefined) {
        add(numbers, digest, held);
        continue;
      }
      const { uri, section, type, kind, title, text: body, codes, date } = row;
      const area = areaOf(number, section);
      const { lastInsertRowid } = put.run(
        ...[this.#subject, area, digest, uri, section, type],
        ...[shownIn(row), kind, title, body, codes, date, JSON.stringify(row.data)],
      );
      text.run(lastInsertRowid, token, title, body, codes);
      add(numbers, digest, Number(lastInsertRowid));
    }
    const dropFact = prepared(db, 'DELETE FROM facts WHERE number = ?');
    const dropText = prepared(db, 'DELETE FROM facts_text WHERE rowid = ?');
    for (const old of [...stale.values()].flat()) {
      dropFact.run(old);
      dropText.run(old);
    }
    this.#numbers = numbers;
  }
}

function add(numbers: Map<string, number[]>, digest: string, number: number): void {
  const known = numbers.get(digest);
  if (known === undefined) numbers.set(digest, [number]);
  else known.push(number);
}

/** Subjects of one search expression; more than that are asked for in turns. */
const SUBJECTS_AT_A_TIME = 50;
/**
 * Where the areas are at least this share of all subjects, matching everywhere and leaving out the
 * others' rows by the index is quicker than looking within each subject (measured: 6 ms against 58
 * for a common word among 1,000 members).
 */
const MOST_SUBJECTS = 0.25;

/**
 * Rows that the areas allow and any term matches, newest first. The areas are part of the
 * statement: nothing outside them is counted, cut or ordered. Matches are gathered as numbers and
 * dates from an index alone; only the rows that are returned are ever loaded.
 */
export function searchFacts(
  db: DatabaseSync,
  known: KnownSubjects,
  query: SearchQuery,
): IndexRow[] {
  const areas = query.areas.flatMap(({ subject, sections }) => {
    const number = known.of(subject)?.number;
    return number === undefined ? [] : [{ number, sections }];
  });
  const most = areas.length >= MOST_SUBJECTS * known.count && areas.length > SUBJECTS_AT_A_TIME;
  const turns = most ? areas.length : SUBJECTS_AT_A_TIME;
  const matches: Match[] = [];
  for (let at = 0; at < areas.length; at += turns) {
    const some = areas.slice(at, at + turns);
    const subjects = most ? 'everywhere' : some.map(({ number }) => number);
    const match = matchExpression(subjects, query.terms);
    if (match !== undefined) matches.push(...matchSome(db, query, some, match));
  }
  const newest = matches.sort(byDateThenNumber).slice(0, query.limit);
  const row = db.prepare('SELECT * FROM facts WHERE number = ?');
  return newest.flatMap(({ number }) => {
    const found = row.get(number);
    return found === undefined ? [] : [rowOf(found)];
  });
}

interface NumberedArea {
  readonly number: number;
  readonly sections: SearchQuery['areas'][number]['sections'];
}

interface Match {
  readonly number: number;
  readonly date: string;
}

function byDateThenNumber(a: Match, b: Match): number {
  if (a.date !== b.date) return a.date < b.date ? 1 : -1;
  return a.number - b.number;
}

function matchSome(
  db: DatabaseSync,
  { types, since, limit }: SearchQuery,
  areas: readonly NumberedArea[],
  match: string,
): Match[] {
  const of = (variant: string): string =>
    JSON.stringify(
      areas.flatMap(({ number, sections }) =>
        [...sections].flatMap(([section, held]) =>
          held === variant ? [areaOf(number, section)] : [],
        ),
      ),
    );
  return db
    .prepare(`SELECT facts.number, facts.date
      FROM facts_text JOIN facts INDEXED BY facts_match ON facts.number = facts_text.rowid
      WHERE facts_text MATCH :match AND facts.date >= :since
        AND ((facts.sensitive < 2 AND facts.area IN (SELECT value FROM json_each(:full))) OR
          (facts.sensitive = 0 AND facts.area IN (SELECT value FROM json_each(:general))) OR
          (facts.sensitive = 2 AND facts.area IN (SELECT value FROM json_each(:minimal))))
        AND (:types IS NULL OR facts.type IN (SELECT value FROM json_each(:types)))
      ORDER BY facts.date DESC, facts.number LIMIT :limit`)
    .all({
      match,
      since: since ?? '',
      full: of('full'),
      general: of('general'),
      minimal: of('minimal'),
      types: types === undefined ? null : JSON.stringify(types),
      limit,
    })
    .map(({ number, date }) => ({ number: Number(number), date: String(date) }));
}

/** Every row of these types within one area, newest first. */
export function factsOf(
  db: DatabaseSync,
  { subject, sections }: SearchArea,
  types: readonly string[],
): IndexRow[] {
  const of = (variant: string): string =>
    JSON.stringify([...sections].flatMap(([section, held]) => (held === variant ? section : [])));
  return db
    .prepare(`SELECT * FROM facts
      WHERE subject = :subject AND type IN (SELECT value FROM json_each(:types))
        AND ((sensitive < 2 AND section IN (SELECT value FROM json_each(:full))) OR
          (sensitive = 0 AND section IN (SELECT value FROM json_each(:general))) OR
          (sensitive = 2 AND section IN (SELECT value FROM json_each(:minimal))))
      ORDER BY date DESC, number`)
    .all({
      subject: subjectKey(subject),
      types: JSON.stringify(types),
      full: of('full'),
      general: of('general'),
      minimal: of('minimal'),
    })
    .map(rowOf);
}

/** The column `sensitive`: 0 in both variants, 1 in `full` alone, 2 in `minimal` alone. */
function shownIn({ minimal, sensitive }: IndexRow): 0 | 1 | 2 {
  if (minimal === true) return 2;
  return sensitive ? 1 : 0;
}

function areaOf(number: number, section: string): string {
  return `${number}/${section}`;
}

/** A row that is handed over again says the same. */
const DIGESTS = new WeakMap<IndexRow, string>();

function digestOf(row: IndexRow): string {
  const before = DIGESTS.get(row);
  if (before !== undefined) return before;
  const { uri, section, type, kind, title, text, codes, date, data } = row;
  const said = [title, text, codes, date, data];
  const content = JSON.stringify([uri, section, type, shownIn(row), kind, ...said]);
  const digest = hash('sha256', content, 'base64url').slice(0, 22);
  DIGESTS.set(row, digest);
  return digest;
}

function rowOf(row: Record<string, unknown>): IndexRow {
  const { uri, section, type, kind, title, text, codes, date } = row as unknown as IndexRow;
  const subject = subjectOf(String(row.subject));
  const sensitive = row.sensitive === 1;
  const data = JSON.parse(String(row.data)) as JsonObject;
  const minimal = row.sensitive === 2 ? { minimal: true as const } : {};
  return {
    uri,
    subject,
    section,
    type,
    sensitive,
    ...minimal,
    kind,
    title,
    text,
    codes,
    date,
    data,
  };
}
