import type { JsonObject } from '../../kernel/json.ts';
import type { Fit, Renderable } from './fit.ts';
import { fitJson } from './json.ts';
import type { View } from './line.ts';
import { fitMarkdown } from './markdown.ts';
import { byFocus, type Part, partsOf } from './parts.ts';

const CHARS_PER_TOKEN = 4;
/** Facts of one list in a card. */
const CARD_FACTS_MAX = 3;

export interface RenderOptions {
  readonly view: View;
  readonly format: 'markdown' | 'json';
  readonly budgetTokens: number;
  /** The question; what answers it comes first. */
  readonly focus?: string;
}

export interface Rendered {
  readonly content: string;
  /** What did not fit, by part of the document; where it can be read, and its size in tokens. */
  readonly omitted: readonly { what: string; uri: string; tokens: number }[];
  /** Tokens of `content`. */
  readonly used: number;
}

/**
 * Any document within a budget of tokens (4 characters each), never over it. Knows nothing of
 * sections: data is lists of facts, facts, and plain elements.
 */
export function renderDocument(document: Renderable, options: RenderOptions): Rendered {
  const { view, format, budgetTokens, focus } = options;
  const all = partsOf(document.data as JsonObject);
  const ranked = view === 'card' ? firstOfEach(byFocus(all, focus)) : byFocus(all, focus);
  const fit: Fit = format === 'json' ? fitJson : fitMarkdown;
  const { content, shown } = fit(document, ranked, view, budgetTokens * CHARS_PER_TOKEN);
  const omitted = omittedOf(
    document,
    all.filter((part) => !shown.has(part)),
  );
  return { content, omitted, used: Math.ceil(content.length / CHARS_PER_TOKEN) };
}

function firstOfEach(parts: readonly Part[]): Part[] {
  const counts = new Map<string, number>();
  return parts.filter(({ block }) => {
    const count = counts.get(block) ?? 0;
    counts.set(block, count + 1);
    return count < CARD_FACTS_MAX;
  });
}

function omittedOf({ uri }: Renderable, parts: readonly Part[]): Rendered['omitted'] {
  return [...Map.groupBy(parts, ({ block }) => block)].map(([block, left]) => {
    const [only, ...others] = left;
    const tokens = left.reduce((sum, { value }) => sum + JSON.stringify(value).length, 0);
    return {
      what: `${left.length} of ${block}`,
      uri: (others.length === 0 ? only?.uri : undefined) ?? uri,
      tokens: Math.ceil(tokens / CHARS_PER_TOKEN),
    };
  });
}
