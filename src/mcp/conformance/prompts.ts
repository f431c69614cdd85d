import { acceptedContent, inputRequired, type McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { embedded, PIXEL, text } from './samples.ts';

const word = z.string().max(256);
const context = z.object({ context: word });

/** What `prompts/get` of the suite asks for. */
export function registerFixturePrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'No arguments.' }, () =>
    said(text('This is a simple prompt for testing.')),
  );
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'Two arguments.', argsSchema: z.object({ arg1: word, arg2: word }) },
    ({ arg1, arg2 }) => said(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'A resource inside.',
      argsSchema: z.object({ resourceUri: z.string().max(1_024) }),
    },
    ({ resourceUri }) => said(embedded(resourceUri), text('Work on the resource above.')),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'An image inside.' }, () =>
    said({ type: 'image' as const, ...PIXEL }, text('Look at the image above.')),
  );
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'Asks before it answers.' },
    (ctx) => {
      const given = acceptedContent(ctx.mcpReq.inputResponses, 'user_context', context);
      if (given !== undefined) return said(text(`Context: ${given.context}`));
      const ask = inputRequired.elicit({ message: 'Which context?', requestedSchema: context });
      return inputRequired({ inputRequests: { user_context: ask } });
    },
  );
}

type Content =
  | ReturnType<typeof text>
  | ReturnType<typeof embedded>
  | ({ type: 'image' } & typeof PIXEL);

function said(...contents: Content[]) {
  return { messages: contents.map((content) => ({ role: 'user' as const, content })) };
}
