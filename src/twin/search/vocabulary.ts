import type { Section } from '../../contract/uris.ts';
import data from './vocabulary.json' with { type: 'json' };
import { isStopWord, isTypo, stem, titleStems, wordsOf } from './words.ts';

/** Something that a record can be about, by the words of people and by the codes of records. */
export interface Concept {
  readonly name: string;
  readonly type: string;
  readonly codes: ReadonlySet<string>;
  /** Each a list of stems that a display has to hold, as beginnings of its words. */
  readonly titles: readonly (readonly string[])[];
}

/** A kind of record that people ask for as a whole. */
export interface Topic {
  readonly name: string;
  readonly section: Section;
  readonly types: readonly string[];
}

/** An element of the profile, by its name there. */
export interface Field {
  readonly name: string;
}

interface Entry<T> {
  readonly meaning: T;
  /** Phrases as stems, longest first. */
  readonly phrases: readonly (readonly string[])[];
}

/** What a question's words mean, and which of them that used up. */
export interface Found<T> {
  readonly meaning: T;
  readonly words: readonly string[];
}

const CONCEPTS: readonly Entry<Concept>[] = Object.entries(data.concepts).flatMap(([type, own]) =>
  Object.entries(own).map(([name, line]): Entry<Concept> => {
    const [phrases = '', codes = '', titles = ''] = line.split('|');
    return {
      meaning: { name, type, codes: new Set(wordsApart(codes)), titles: phrasesOf(titles) },
      phrases: phrasesOf(phrases),
    };
  }),
);

const TOPICS: readonly Entry<Topic>[] = Object.entries(data.topics).map(([name, line]) => {
  const [phrases = '', section = '', types = ''] = line.split('|');
  return {
    meaning: { name, section: section.trim() as Section, types: wordsApart(types) },
    phrases: phrasesOf(phrases),
  };
});

const FIELDS: readonly Entry<Field>[] = Object.entries(data.fields).map(([name, phrases]) => ({
  meaning: { name },
  phrases: phrasesOf(phrases, true),
}));

export const conceptsIn = (stems: ReadonlySet<string>) => longest(CONCEPTS, stems);
/** What parts of longer phrases mean ("blood pressure" of "high blood pressure"). */
export const conceptsWithin = (stems: ReadonlySet<string>) => every(CONCEPTS, stems);
export const topicsIn = (stems: ReadonlySet<string>) => union(TOPICS, stems);
export const fieldsIn = (stems: ReadonlySet<string>) => every(FIELDS, stems);

const KNOWN: ReadonlySet<string> = new Set(
  [...CONCEPTS, ...TOPICS, ...FIELDS].flatMap(({ phrases }) => phrases.flat()),
);

/** Whether the vocabulary says anything about a word. */
export function isKnown(word: string): boolean {
  return KNOWN.has(word);
}

/** The word of the vocabulary that a mistyped one was to be. */
export function meantBy(word: string): string | undefined {
  return [...KNOWN].find((known) => isTypo(word, known));
}

/** Whether a fact's display, or one of its codes, names the concept. */
export function isAbout(
  { codes, titles }: Concept,
  fact: { readonly title: string; readonly codes: string },
): boolean {
  if (fact.codes.split(' ').some((code) => codes.has(code))) return true;
  const words = titleStems(fact.title);
  return titles.some((title) =>
    title.every((part) => words.some((word) => beginsWith(word, part))),
  );
}

/** Short words have to be the whole word ("td", "ct", "nut"). */
function beginsWith(word: string, part: string): boolean {
  return part.length <= 3 ? word === part : word.startsWith(part) || word.endsWith(part);
}

/** Entries whose phrase is in the question and is no part of a longer phrase that is. */
function longest<T>(entries: readonly Entry<T>[], stems: ReadonlySet<string>): Found<T>[] {
  const all = every(entries, stems);
  return all.filter(
    ({ words }) =>
      !all.some(
        (other) =>
          other.words.length > words.length && words.every((word) => other.words.includes(word)),
      ),
  );
}

/** Each entry with its longest phrase in the question; those of the most words first. */
function every<T>(entries: readonly Entry<T>[], stems: ReadonlySet<string>): Found<T>[] {
  return entries
    .flatMap(({ meaning, phrases }): Found<T>[] => {
      const words = phrases.find((phrase) => phrase.every((word) => stems.has(word)));
      return words === undefined ? [] : [{ meaning, words }];
    })
    .sort((a, b) => b.words.length - a.words.length);
}

/** Each entry with the words of all its phrases that are in the question. */
function union<T>(entries: readonly Entry<T>[], stems: ReadonlySet<string>): Found<T>[] {
  return entries.flatMap(({ meaning, phrases }): Found<T>[] => {
    const found = phrases.filter((phrase) => phrase.every((word) => stems.has(word)));
    return found.length === 0 ? [] : [{ meaning, words: [...new Set(found.flat())] }];
  });
}

function phrasesOf(text: string, whole = false): string[][] {
  return text
    .split(';')
    .map((phrase) => {
      const words = wordsOf(phrase);
      const meaning = whole ? words : words.filter((word) => !isStopWord(word));
      return (meaning.length > 0 ? meaning : words).map(stem);
    })
    .filter((phrase) => phrase.length > 0)
    .sort((a, b) => b.length - a.length);
}

function wordsApart(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
