import {
  type ReadDocumentInput,
  type ReadDocumentResult,
  readDocumentInput,
  readDocumentResult,
} from '../../contract/documents.ts';
import type { CheckAnswer } from '../../contract/eligibility.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Caller, ReadOptions } from '../../twin/reader/index.ts';
import { renderDocument } from '../../twin/render/index.ts';
import { freshen, freshnessMeta, freshnessSentence } from '../freshness.ts';
import type { McpParts } from '../parts.ts';
import type { ToolAnswer } from './answer.ts';

const BUDGET_DEFAULT = 2_000;

export const readDocumentTool = {
  name: 'readDocument',
  config: {
    title: 'Read a document of the twin',
    description:
      'Read any URI of the twin within a token budget. focus: the question, so that what answers ' +
      'it comes first. view: card, summary (default) or detail. freshness: for coverage, asks the ' +
      'payer where what is known is too old. Says what was left out and where to read it.',
    inputSchema: readDocumentInput,
    outputSchema: readDocumentResult,
  },
  async run(
    { reader, checks }: McpParts,
    caller: Caller,
    input: ReadDocumentInput,
    options: ReadOptions,
  ): Promise<ToolAnswer> {
    const check = await freshen(checks, caller, input.uri, input.freshness, options.signal);
    const answer = await reader.read(caller, input.uri, options);
    const { document, title, ttlMs, behind, withheld = [], breakGlass = [] } = answer;
    const given = input.budget ?? BUDGET_DEFAULT;
    const format = input.format ?? 'markdown';
    const rendered = renderDocument(
      { ...document, title },
      {
        view: input.view ?? 'summary',
        format,
        budgetTokens: given,
        ...(input.focus !== undefined && { focus: input.focus }),
      },
    );
    const { uri, etag, position, asOf } = document;
    const result: ReadDocumentResult = {
      uri,
      etag,
      position,
      asOf,
      ttlMs,
      format,
      content: rendered.content,
      omitted: rendered.omitted.map((part) => ({ ...part })),
      budget: { given, used: rendered.used },
    };
    return {
      structured: result as unknown as JsonObject,
      text: check === undefined ? rendered.content : told(check, rendered.content),
      meta: freshnessMeta(check),
      behind,
      withheld,
      breakGlass,
    };
  },
} as const;

/** First, since a model reads from the top. */
function told(check: CheckAnswer, content: string): string {
  return `${freshnessSentence(check)}\n\n${content}`;
}
