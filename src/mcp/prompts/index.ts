import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import { bannerSentence } from '../../contract/break-glass.ts';
import { META } from '../../contract/meta.ts';
import { protocolErrorOf } from '../faults.ts';
import { ICONS } from '../icons.ts';
import { callerOf, type McpParts } from '../parts.ts';
import { coverageExplained } from './coverage-explained.ts';
import { type Arguments, say, type TwinPrompt } from './prompt.ts';
import { visitPrep } from './visit-prep.ts';

export const PROMPTS: readonly TwinPrompt[] = [coverageExplained, visitPrep];

export function registerPrompts(server: McpServer, parts: McpParts): void {
  for (const prompt of PROMPTS) {
    const { name, title, description, argsSchema } = prompt;
    server.registerPrompt(name, { title, description, argsSchema, icons: ICONS }, (given, ctx) =>
      messages(parts, prompt, given as Arguments, ctx),
    );
  }
}

async function messages(parts: McpParts, prompt: TwinPrompt, given: Arguments, ctx: ServerContext) {
  const caller = callerOf(ctx);
  try {
    const work = () => prompt.messages(parts, caller, given);
    const { result, breakGlass } = await parts.reader.withBanners(caller, work);
    return {
      description: prompt.description,
      messages: [...breakGlass.map((one) => say(bannerSentence(one))), ...result],
      ...(breakGlass.length > 0 && { _meta: { [META.breakGlass]: breakGlass } }),
    };
  } catch (error) {
    throw protocolErrorOf(parts, error, caller.correlationId);
  }
}
