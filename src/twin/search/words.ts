import { fold } from './terms.ts';

/** Words that ask, point or count, and say nothing of what is asked for. */
const STOP_WORDS = new Set(
  (
    'a about after again all also am an and any anything are as at be because been before being but ' +
    'by can could current currently date day did do does doing done during each ever every ' +
    'find for from get gets getting give given go had has have having he her hers him his how i if in ' +
    'into is it its just know last late latest list long many may me member mine more most much my ' +
    'need new newest next no not now of off on once one only or our out over patient per person ' +
    'please present presently previous previously recent recently record recorded right s she show ' +
    'since so some something still such tell than that the their them then there these they thing ' +
    'this those through time times to today type under until up us use used using value values very ' +
    'was way we were what when where which while who whom whose why will with within would year ' +
    'years you your month months week weeks ago number numbers result results level levels reading ' +
    'readings first oldest earliest happen happened occur occurred name names total overall active ' +
    'inactive ongoing trend trending change changed changing start started begin began develop ' +
    'developed onset often frequently sum current actually exactly come comes kind sort go going gone ' +
    'went up down rise risen fall fallen increased decreased increase decrease higher lower ' +
    'measure measured measurement measurements taken check checked noted found file chart ' +
    'data info information detail details according state ' +
    'place took happening person people someone anyone'
  ).split(' '),
);

const SUFFIXES: readonly (readonly [RegExp, string])[] = [
  [/ies$/, 'y'],
  [/(ss|x|z|ch|sh)es$/, '$1'],
  [/(?<=[^aious])s$/, ''],
  [/(?<=.{3})([bdgmnprt])\1(ing|ed)$/, '$1'],
  [/(?<=.{3})(ing|ed)$/, ''],
  [/(?<=.{3})e$/, ''],
];

/** One form for a word's forms ("screened", "screening", "screens"); not a word of any language. */
export function stem(word: string): string {
  if (word.length < 4 || /\d/.test(word)) return word.replace(/(?<=[a-z]{2})s$/, '');
  return SUFFIXES.reduce((form, [suffix, to]) => form.replace(suffix, to), word);
}

/** Every word of a text, folded, apostrophes dropped ("doctor's", "alzheimer's"). */
export function wordsOf(text: string): string[] {
  return (
    fold(text)
      .replace(/['’]s\b/g, '')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

export function stemsOf(text: string): string[] {
  return wordsOf(text).map(stem);
}

export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}

/** Displays repeat over records and members: their stems are kept, bounded. */
const KEPT_MAX = 4_096;
const kept = new Map<string, readonly string[]>();

/** Stems of a display, remembered. */
export function titleStems(title: string): readonly string[] {
  const known = kept.get(title);
  if (known !== undefined) return known;
  if (kept.size >= KEPT_MAX) kept.clear();
  const stems = stemsOf(title);
  kept.set(title, stems);
  return stems;
}

/** Whether two words differ by so little that one is the other mistyped: 1 letter, 2 in long ones. */
export function isTypo(word: string, meant: string): boolean {
  const allowed = word.length >= 9 ? 2 : word.length >= 5 ? 1 : 0;
  if (allowed === 0 || Math.abs(word.length - meant.length) > allowed) return false;
  return word[0] === meant[0] && distance(word, meant) <= allowed;
}

/** Insertions, deletions, changes and swaps of neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i += 1) {
    const [before, last] = [rows[i - 2], rows[i - 1] ?? []];
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before?.[j - 2] ?? i) + 1 : changed;
      row.push(Math.min(changed, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    rows.push(row);
  }
  return rows.at(-1)?.at(-1) ?? 0;
}
