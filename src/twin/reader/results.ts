import type { SearchResult } from '../../contract/documents.ts';
import { DATA_NOTICE, inertText } from '../render/text.ts';
import type { RankedRow } from '../search/rank.ts';

export type Result = SearchResult['results'][number];

const CHARS_PER_TOKEN = 4;
/** A word is a third more than a token in the tokenizers that cut the finest. */
const TOKENS_PER_WORD = 1.3;
const SNIPPET_CHARS = 240;
const TITLE_CHARS = 120;
/** Room for the first line, about whose text this is, and the last, about how much more there is. */
const FRAME_CHARS = 60 + DATA_NOTICE.length;
const FRAME_WORDS = 9 + DATA_NOTICE.split(' ').length;

/** Tokens of a text by the stricter of two rules: 4 characters each, or 1.3 a word. */
export function tokensOf(text: string): number {
  const words = text.split(/\s+/).filter((word) => word !== '').length;
  return Math.ceil(Math.max(text.length / CHARS_PER_TOKEN, words * TOKENS_PER_WORD));
}

/** What a budget leaves for results. */
export class Room {
  private chars: number;
  private words: number;

  constructor(budget: number) {
    this.chars = budget * CHARS_PER_TOKEN - FRAME_CHARS;
    this.words = Math.floor(budget / TOKENS_PER_WORD) - FRAME_WORDS;
  }

  /** Takes a text's room; `false` where there is none. */
  take(text: string): boolean {
    const words = text.split(/\s+/).filter((word) => word !== '').length;
    if (text.length > this.chars || words > this.words) return false;
    this.chars -= text.length;
    this.words -= words;
    return true;
  }
}

/** The text of one result for a model to read; its length is what the budget counts. */
export function renderResult({ title, date, snippet, uri }: Result): string {
  return `- ${title}${date === undefined ? '' : ` (${date})`}: ${snippet}\n  ${uri}\n`;
}

/** A whole answer as text: the results, and how much more there is. */
export function renderSearch({ results, omitted }: SearchResult): string {
  if (results.length === 0) return 'Nothing found that you may read.';
  const rest = omitted > 0 ? `${omitted} more; narrow the query or page on.` : '';
  return `${DATA_NOTICE}\n${results.map(renderResult).join('')}${rest}`;
}

/** What a row says, in one plain line. */
export function resultOf(
  { row, score }: RankedRow,
  stamp: { readonly etag: string; readonly position: string },
): Result {
  return {
    uri: row.uri,
    ...stamp,
    title: inertText(row.title, TITLE_CHARS),
    kind: row.kind,
    ...(row.date !== '' && { date: row.date }),
    snippet: inertText(row.text, SNIPPET_CHARS),
    score,
  };
}
