import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './samples.ts';

type Form = Parameters<ServerContext['mcpReq']['elicitInput']>[0];

const choices = (...titled: [string, string][]) =>
  titled.map(([value, title]) => ({ const: value, title }));

/** SEP-1034: a default of every primitive type. */
const DEFAULTS: Form = {
  message: 'Look through the fields and their defaults.',
  requestedSchema: {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
    required: [],
  },
};

/** SEP-1330: the five spellings of a choice. */
const ENUMS: Form = {
  message: 'Choose in each field.',
  requestedSchema: {
    type: 'object',
    properties: {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: {
        type: 'string',
        oneOf: choices(['value1', 'First'], ['value2', 'Second'], ['value3', 'Third']),
      },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: {
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      },
      titledMulti: {
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: { anyOf: choices(['value1', 'First'], ['value2', 'Second'], ['value3', 'Third']) },
      },
    },
    required: [],
  },
};

/** What the 2025 era asks its client by a request of its own; 2026-07-28 has rounds instead. */
export function registerFixtureRequests(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    {
      description: 'Asks the client’s model.',
      inputSchema: z.object({ prompt: z.string().max(1_024) }),
    },
    async ({ prompt }, ctx) => {
      const messages = [{ role: 'user' as const, content: text(prompt) }];
      const asked = { messages, maxTokens: 100 };
      const { content } = await ctx.mcpReq.requestSampling(asked, onItsStream(ctx));
      return { content: [text(`LLM response: ${JSON.stringify(content)}`)] };
    },
  );
  server.registerTool(
    'test_elicitation',
    {
      description: 'Asks the person.',
      inputSchema: z.object({ message: z.string().max(1_024) }),
    },
    async ({ message }, ctx) => {
      const properties = { response: { type: 'string' as const } };
      const schema = { type: 'object' as const, properties, required: ['response'] };
      return await elicited(ctx, { message, requestedSchema: schema });
    },
  );
  for (const [name, form] of [
    ['test_elicitation_sep1034_defaults', DEFAULTS],
    ['test_elicitation_sep1330_enums', ENUMS],
  ] as const) {
    server.registerTool(name, { description: `Fixture ${name}.` }, (ctx) => elicited(ctx, form));
  }
}

async function elicited(ctx: ServerContext, form: Form) {
  const { action, content } = await ctx.mcpReq.elicitInput(form, onItsStream(ctx));
  return { content: [text(`action=${action}, content=${JSON.stringify(content ?? {})}`)] };
}

/** Else the SDK sends a question by the GET stream, and nowhere while there is none yet. */
function onItsStream({ mcpReq }: ServerContext) {
  return { relatedRequestId: mcpReq.id };
}
