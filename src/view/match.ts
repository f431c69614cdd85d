import { LIMITS } from '../kernel/limits.ts';

/** One term at most; a longer word is no word. */
const TERM_CHARS_MAX = 64;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not pass
const CONTROLS = /[\u0000-\u001f\u007f]/g;
const MEANINGFUL = /[\p{L}\p{N}]/u;

/** The token that stands for a subject in the text index; the stemmer leaves digits alone. */
export function subjectToken(number: number): string {
  return `subject${number}`;
}

/** Words that may stand for a longer one: short beginnings, and the parts of codes, fit too much. */
const PREFIX = /^\p{L}{3,}$/u;

/**
 * The FTS5 expression for any of the terms within the subjects. Terms are always strings of FTS5
 * (sqlite.org/fts5.html §3.1), confined to the text's columns: no operator, column name or prefix
 * of theirs is ever read as syntax. The last one that is a word also matches as the beginning of
 * one.
 * @param subjects those to look within, or `everywhere` where the statement itself narrows.
 * @returns undefined where no term holds a letter or digit, or there is no subject.
 */
export function matchExpression(
  subjects: readonly number[] | 'everywhere',
  terms: readonly string[],
): string | undefined {
  const kept = terms
    .slice(0, LIMITS.searchAlternativesMax)
    .map((term) => term.slice(0, TERM_CHARS_MAX).toWellFormed().replace(CONTROLS, ' '))
    .filter((term) => MEANINGFUL.test(term));
  if (kept.length === 0 || subjects.length === 0) return undefined;
  const beginning = kept.findLastIndex((term) => PREFIX.test(term));
  const strings = kept.map((term, at) => (at === beginning ? `${quoted(term)} *` : quoted(term)));
  const text = `{title text codes} : (${strings.join(' OR ')})`;
  if (subjects === 'everywhere') return text;
  const within = subjects.map((number) => quoted(subjectToken(number))).join(' OR ');
  return `subject : (${within}) AND ${text}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
