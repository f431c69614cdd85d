import { LIMITS } from '../../kernel/limits.ts';
import { termsOf } from './terms.ts';
import { type Concept, conceptsIn, type Found } from './vocabulary.ts';
import { stem, wordsOf } from './words.ts';

/** What a query asks for: its own terms, and what its lay words stand for. */
export interface Meaning {
  readonly terms: readonly string[];
  readonly concepts: readonly Found<Concept>[];
}

export function meaningOf(query: string): Meaning {
  const words = wordsOf(query.slice(0, LIMITS.searchQueryCharsMax));
  const stems = new Set(words.flatMap((word) => [word, stem(word)]));
  return { terms: termsOf(query), concepts: conceptsIn(stems) };
}

/** Terms by which the index may find candidates: the query's own, then codes and displays. */
export function candidateTerms({ terms, concepts }: Meaning): string[] {
  const others = concepts.flatMap(({ meaning }) => [
    ...meaning.titles.flatMap((title) => title.slice(0, 1)),
    ...meaning.codes,
  ]);
  return [...new Set([...terms, ...others])].slice(0, LIMITS.searchAlternativesMax);
}
