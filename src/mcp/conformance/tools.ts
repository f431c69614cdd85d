import { setTimeout as sleep } from 'node:timers/promises';
import { fromJsonSchema, type McpServer, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { embedded, PIXEL, SILENCE, text } from './samples.ts';

const image = { type: 'image' as const, ...PIXEL };
const audio = { type: 'audio' as const, ...SILENCE };

/** Tools that answer the same content whatever they are asked. */
const CONTENTS = {
  test_simple_text: [text('This is a simple text response for testing.')],
  test_image_content: [image],
  test_audio_content: [audio],
  test_embedded_resource: [embedded('test://embedded-resource')],
  test_multiple_content_types: [
    text('Text, an image and a resource:'),
    image,
    embedded('test://mixed-content-resource'),
  ],
  test_streaming_elicitation: [text('Done.')],
} as const;

const STEP_MS = 50;

/** Tools without a question back, of both eras. */
export function registerFixtureTools(server: McpServer): void {
  for (const [name, content] of Object.entries(CONTENTS)) {
    server.registerTool(name, { description: `Fixture ${name}.` }, () => ({
      content: [...content],
    }));
  }
  server.registerTool('test_error_handling', { description: 'Always fails.' }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  server.registerTool('test_tool_with_progress', { description: 'Tells of its steps.' }, progress);
  server.registerTool('test_reconnection', { description: 'Lets its stream go.' }, reconnection);
  for (const name of ['test_tool_with_logging', 'test_logging_tool']) {
    server.registerTool(name, { description: 'Writes log messages.' }, logging);
  }
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Schema keywords arrive unchanged.', inputSchema: fromJsonSchema(SCHEMA) },
    () => ({ content: [text('Valid.')] }),
  );
  const region = z.string().max(64).meta({ 'x-mcp-header': 'Region' });
  server.registerTool(
    'test_x_mcp_header',
    { description: 'An argument in a header.', inputSchema: z.object({ region }) },
    (input) => ({ content: [text(`Region: ${input.region}`)] }),
  );
}

async function progress(ctx: ServerContext) {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  for (const done of [0, 50, 100]) {
    if (progressToken !== undefined) {
      const params = { progressToken, progress: done, total: 100 };
      await ctx.mcpReq.notify({ method: 'notifications/progress', params });
    }
    await sleep(STEP_MS, undefined, { signal: ctx.mcpReq.signal });
  }
  return { content: [text('All steps are done.')] };
}

/** SEP-1699: the answer is fetched by `Last-Event-ID`. */
async function reconnection(ctx: ServerContext) {
  ctx.http?.closeSSE?.();
  await sleep(STEP_MS, undefined, { signal: ctx.mcpReq.signal });
  return { content: [text('Answered behind a stream that was let go.')] };
}

async function logging(ctx: ServerContext) {
  for (const step of ['started', 'under way', 'done']) {
    await ctx.mcpReq.log('info', step);
    await sleep(STEP_MS, undefined, { signal: ctx.mcpReq.signal });
  }
  return { content: [text('Logged.')] };
}

/** SEP-1613 and SEP-2106: keywords that a converter might drop. */
const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's keyword
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};
