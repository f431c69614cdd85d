import type { IndexRow } from '../ports.ts';
import type { Meaning } from './meaning.ts';
import { isAbout } from './vocabulary.ts';
import { stem, titleStems, wordsOf } from './words.ts';

/** A row with how well it answers; higher is better. */
export interface RankedRow {
  readonly row: IndexRow;
  readonly score: number;
}

const WEIGHTS = { codes: 4, meaning: 3.5, title: 3, text: 1 } as const;
const KIND_WEIGHT = { member: 1.2, fact: 1, document: 0.6 } as const;

/**
 * Ranks candidates by weighted term matches with an inverse frequency taken over these candidates
 * alone, never over the whole index: other members' records must not move a caller's results
 * (security.md §6, 98). Ties go to the newer fact, then to the URI, so the order is total.
 */
export function rank(rows: readonly IndexRow[], meaning: Meaning): RankedRow[] {
  const { terms } = meaning;
  const matches = rows.map((row) => matchesOf(row, meaning));
  const frequency = terms.map((_, t) => matches.filter((m) => (m[t] ?? 0) > 0).length);
  const newest =
    rows
      .map(({ date }) => date)
      .toSorted()
      .at(-1) ?? '';
  return rows
    .map((row, index) => {
      const weights = matches[index] ?? [];
      const relevance = weights.reduce(
        (sum, weight, t) => sum + weight * Math.log(1 + rows.length / (1 + (frequency[t] ?? 0))),
        0,
      );
      const covered = weights.filter((weight) => weight > 0).length / Math.max(1, terms.length);
      const score = relevance * (0.5 + covered) * KIND_WEIGHT[row.kind] * recency(row.date, newest);
      return { row, score: Math.round(score * 1000) / 1000 };
    })
    .sort(byScoreDateUri);
}

function byScoreDateUri(a: RankedRow, b: RankedRow): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.row.date !== b.row.date) return a.row.date < b.row.date ? 1 : -1;
  return a.row.uri < b.row.uri ? -1 : 1;
}

/** How strongly each term matches a row: its best field, or what a lay word stands for. */
function matchesOf(row: IndexRow, { terms, concepts }: Meaning): number[] {
  const title = titleStems(row.title);
  // Notes are long: their words are looked at only where nothing nearer matched.
  let text: readonly string[] | undefined;
  const codes = new Set(row.codes.toLowerCase().split(' '));
  const meant = new Set(
    concepts.filter(({ meaning }) => isAbout(meaning, row)).flatMap(({ words }) => words),
  );
  return terms.map((term) => {
    const form = stem(term);
    if (codes.has(term)) return WEIGHTS.codes;
    if (meant.has(form)) return WEIGHTS.meaning;
    if (title.some((word) => sameWord(word, form))) return WEIGHTS.title;
    text ??= wordsOf(row.text);
    return text.some((word) => word === term || sameWord(word, form)) ? WEIGHTS.text : 0;
  });
}

/** The same word, or one that begins with the other's stem ("immunization", "immunizations"). */
function sameWord(word: string, term: string): boolean {
  if (word === term) return true;
  const length = Math.min(word.length, term.length);
  return length >= 4 && (word.startsWith(term) || term.startsWith(word));
}

/** The newest fact counts half as much again as one ten years older. */
function recency(date: string, newest: string): number {
  if (date === '' || newest === '') return 1;
  const years = (Date.parse(newest) - Date.parse(date)) / (365.25 * 24 * 3_600_000);
  return Number.isFinite(years) ? 1 + 0.5 / (1 + Math.max(0, years)) : 1;
}
