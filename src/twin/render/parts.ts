import { isObject, type Json, type JsonObject } from '../../kernel/json.ts';
import { type Meaning, meaningOf } from '../search/meaning.ts';
import { fold } from '../search/terms.ts';
import { isAbout } from '../search/vocabulary.ts';

/** The smallest piece that is shown or left out: one fact of a list, or one element. */
export interface Part {
  /** Top-level name in `data`. */
  readonly block: string;
  /** Name inside the block, where the block is an object. */
  readonly key?: string;
  readonly value: Json;
  /** Its own source document. */
  readonly uri?: string;
  /** Place in the document. */
  readonly order: number;
}

/** Cuts the data of any section into parts: an element of a list each, or a member of an object. */
export function partsOf(data: JsonObject): Part[] {
  const parts: Omit<Part, 'order'>[] = Object.entries(data).flatMap(([block, value]) => {
    // An empty list says something too: nothing of the kind is recorded.
    if (Array.isArray(value) && value.length === 0) return [{ block, value }];
    if (Array.isArray(value)) return value.map((one) => ({ block, value: one, ...uriOf(one) }));
    if (!isObject(value) || typeof value.title === 'string') {
      return [{ block, value, ...uriOf(value) }];
    }
    return Object.entries(value as JsonObject).map(([key, member]) => ({
      block,
      key,
      value: member,
      ...uriOf(member),
    }));
  });
  return parts.map((part, order) => ({ ...part, order }));
}

function uriOf(value: Json): { uri?: string } {
  return isObject(value) && typeof value.uri === 'string' ? { uri: value.uri } : {};
}

/** What answers the focus first, best first; everything else in the order of the document. */
export function byFocus(parts: readonly Part[], focus: string | undefined): Part[] {
  const meaning = meaningOf(focus ?? '');
  if (focus === undefined || meaning.terms.length === 0) return [...parts];
  const scores = new Map(parts.map((part) => [part, scoreOf(part, meaning)]));
  return parts.toSorted((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0) || a.order - b.order);
}

/** Lay words that mean the part count most, then terms of its title or name, then any other. */
function scoreOf({ block, key, value }: Part, { terms, concepts }: Meaning): number {
  const title = isObject(value) && typeof value.title === 'string' ? value.title : '';
  const name = wordsOf(`${block} ${key ?? ''} ${title}`);
  const text = wordsOf(JSON.stringify(value));
  const fact = { title, codes: codesOf(value) };
  const meant = concepts.filter((concept) => isAbout(concept.meaning, fact));
  return terms.reduce(
    (sum, term) => sum + (matches(name, term) ? 3 : matches(text, term) ? 1 : 0),
    meant.reduce((sum, { words }) => sum + 4 * words.length, 0),
  );
}

/** `LOINC 4548-4` as `4548-4`, as search rows have them. */
function codesOf(value: Json): string {
  const codes = isObject(value) && Array.isArray(value.codes) ? value.codes : [];
  return codes.map((code) => String(code).replace(/^.* /, '')).join(' ');
}

function wordsOf(text: string): string[] {
  const split = text.replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return fold(split).match(/[\p{L}\p{N}]+(?:-\p{N}+)*/gu) ?? [];
}

/** The same word, or a beginning of it ("vital", "vitals"). */
function matches(words: readonly string[], term: string): boolean {
  return words.some(
    (word) =>
      word === term ||
      (Math.min(word.length, term.length) >= 4 && (word.startsWith(term) || term.startsWith(word))),
  );
}
