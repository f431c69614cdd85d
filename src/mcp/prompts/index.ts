import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import { protocolErrorOf } from '../faults.ts';
import { ICONS } from '../icons.ts';
import { callerOf, type McpParts } from '../parts.ts';
import { coverageExplained } from './coverage-explained.ts';
import type { Arguments, TwinPrompt } from './prompt.ts';
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
    return {
      description: prompt.description,
      messages: await prompt.messages(parts, caller, given),
    };
  } catch (error) {
    throw protocolErrorOf(parts, error, caller.correlationId);
  }
}
