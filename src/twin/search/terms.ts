import { LIMITS } from '../../kernel/limits.ts';

/** Words that carry no meaning in a question about a record. */
const STOP_WORDS = new Set(
  (
    'a active an and any are as at be been being by can could did do does for from give had has have her ' +
    'him his how i in is it its latest list many may me most much my of on or our please recent ' +
    'recently she show tell that the their them they this to was were what when where which who ' +
    'whom whose will with would you your member patient current currently now last ever'
  ).split(' '),
);

/**
 * Plain words and codes of a query, bounded: every special character is a separator, so nothing
 * of it can reach the full-text engine as syntax (security.md §6, 93–97).
 */
export function termsOf(query: string): string[] {
  const words = fold(query.slice(0, LIMITS.searchQueryCharsMax)).match(
    /[\p{L}\p{N}]+(?:-\p{N}+)*/gu,
  );
  const unique = [...new Set(words ?? [])];
  const meaning = unique.filter((word) => word.length > 1 && !STOP_WORDS.has(word));
  return (meaning.length > 0 ? meaning : unique).slice(0, LIMITS.searchTermsMax);
}

/** Lower case without diacritics, for comparing words. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase();
}
