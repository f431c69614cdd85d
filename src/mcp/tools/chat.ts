import { type InputRequiredResult, isInputRequiredResult } from '@modelcontextprotocol/server';
import { type ChatInput, chatInput, chatResult } from '../../contract/documents.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { type Caller, withheldFrom } from '../../twin/reader/index.ts';
import { DATA_NOTICE } from '../../twin/render/text.ts';
import type { Work } from '../../twin/work.ts';
import type { McpParts } from '../parts.ts';
import type { ToolAnswer } from './answer.ts';
import { answerInRounds } from './ask-whom.ts';
import type { Round } from './rounds.ts';

export const chatTool = {
  name: 'chat',
  config: {
    title: 'Ask about a member',
    description:
      'A short composed answer in which each sentence names its sources, and questions back where ' +
      'the person has to be clearer. Give the session of an earlier answer to go on with it.',
    inputSchema: chatInput,
    outputSchema: chatResult,
  },
  async run(
    parts: McpParts,
    caller: Caller,
    input: ChatInput,
    work: Work,
    round: Round,
  ): Promise<ToolAnswer | InputRequiredResult> {
    const { result, breakGlass } = await parts.reader.withBanners(caller, () =>
      answerInRounds(parts, caller, input, work, round),
    );
    if (isInputRequiredResult(result)) return result;
    const questions = (result.questions ?? []).map((question) => `? ${question}`);
    const sources = [...new Set(result.sentences.flatMap((s) => s.sources.map((x) => x.uri)))];
    const notice = sources.length > 0 ? [DATA_NOTICE] : [];
    const named = sources.map((uri) => `source: ${uri}`);
    const text = [...notice, result.answer, ...questions, ...named].join('\n');
    const withheld = withheldFrom(caller.principal);
    return { structured: result as unknown as JsonObject, text, withheld, breakGlass };
  },
} as const;
