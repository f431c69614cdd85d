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

/**
 * The FTS5 expression for any of the terms within the subjects. Terms are always strings of FTS5
 * (sqlite.org/fts5.html §3.1), confined to the text's columns: no operator, column name or prefix
 * of theirs is ever read as syntax. The last one also matches as the beginning of a word.
 * @returns undefined where no term holds a letter or digit, or there is no subject.
 */
export function matchExpression(
  subjects: readonly number[],
  terms: readonly string[],
): string | undefined {
  const strings = terms
    .slice(0, LIMITS.searchAlternativesMax)
    .map((term) => term.slice(0, TERM_CHARS_MAX).toWellFormed().replace(CONTROLS, ' '))
    .filter((term) => MEANINGFUL.test(term))
    .map(quoted);
  if (strings.length === 0 || subjects.length === 0) return undefined;
  const within = subjects.map((number) => quoted(subjectToken(number))).join(' OR ');
  return `subject : (${within}) AND {title text codes} : (${strings.join(' OR ')} *)`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
