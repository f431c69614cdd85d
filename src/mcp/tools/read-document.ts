import {
  type ReadDocumentInput,
  type ReadDocumentResult,
  readDocumentInput,
  readDocumentResult,
} from '../../contract/documents.ts';
import { Fault } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Caller, ReadOptions } from '../../twin/reader/index.ts';
import { renderDocument } from '../../twin/render/index.ts';
import type { McpParts } from '../parts.ts';
import type { ToolAnswer } from './answer.ts';

const BUDGET_DEFAULT = 2_000;

export const readDocumentTool = {
  name: 'readDocument',
  config: {
    title: 'Read a document of the twin',
    description:
      'Read any URI of the twin within a token budget. focus: the question, so that what answers ' +
      'it comes first. view: card, summary (default) or detail. Says what was left out and where ' +
      'to read it.',
    inputSchema: readDocumentInput,
    outputSchema: readDocumentResult,
  },
  async run(
    { reader }: McpParts,
    caller: Caller,
    input: ReadDocumentInput,
    options: ReadOptions,
  ): Promise<ToolAnswer> {
    if (input.freshness !== undefined) throw noFreshness(input.uri);
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
      text: rendered.content,
      behind,
      withheld,
      breakGlass,
    };
  },
} as const;

/** Freshness concerns coverage through eligibility checks, which this version does not make. */
function noFreshness(uri: string): Fault {
  return new Fault('INVALID_ARGUMENT', {
    detail: uri.endsWith('/coverage')
      ? 'freshness: this server makes no eligibility checks; leave it out to read what is known.'
      : 'freshness concerns coverage documents only; leave it out.',
  });
}
