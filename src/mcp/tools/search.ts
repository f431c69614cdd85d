import { type SearchInput, searchInput, searchResult } from '../../contract/documents.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { type Caller, renderSearch, withheldFrom } from '../../twin/reader/index.ts';
import type { McpParts } from '../parts.ts';
import type { ToolAnswer } from './answer.ts';

export const searchTool = {
  name: 'search',
  config: {
    title: 'Search a member’s twin',
    description:
      'Find dated facts (conditions, medications, labs, coverage, …) and people by plain words, ' +
      'codes, names, birth dates or plan numbers, within what the caller may read. Answers with ' +
      'the URI of each fact; results[0].uri is the best one to read next.',
    inputSchema: searchInput,
    outputSchema: searchResult,
  },
  async run({ reader }: McpParts, caller: Caller, input: SearchInput): Promise<ToolAnswer> {
    const work = () => reader.search(caller, input);
    const { result, breakGlass } = await reader.withBanners(caller, work);
    const withheld = withheldFrom(caller.principal, input.sections);
    const structured = result as unknown as JsonObject;
    return { structured, text: renderSearch(result), withheld, breakGlass };
  },
} as const;
