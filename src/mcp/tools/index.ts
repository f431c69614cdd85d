import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import { META } from '../../contract/meta.ts';
import { asFault } from '../../kernel/errors.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { toolErrorOf } from '../faults.ts';
import { ICONS } from '../icons.ts';
import { callerOf, type McpParts } from '../parts.ts';
import { readOptionsOf } from '../resources.ts';
import type { ToolAnswer } from './answer.ts';
import { chatTool } from './chat.ts';
import { readDocumentTool } from './read-document.ts';
import { searchTool } from './search.ts';

/** The three verbs. They read; whatever would change something is only proposed. */
export function registerTools(server: McpServer, parts: McpParts): void {
  const annotations = { readOnlyHint: true, destructiveHint: false, openWorldHint: false };
  const shown = { annotations, icons: ICONS };
  server.registerTool(searchTool.name, { ...searchTool.config, ...shown }, (input, ctx) =>
    answer(parts, ctx, (caller) => searchTool.run(parts, caller, input)),
  );
  server.registerTool(
    readDocumentTool.name,
    { ...readDocumentTool.config, ...shown },
    (input, ctx) =>
      answer(parts, ctx, (caller) =>
        readDocumentTool.run(parts, caller, input, readOptionsOf(ctx.mcpReq._meta)),
      ),
  );
  server.registerTool(chatTool.name, { ...chatTool.config, ...shown }, (input, ctx) =>
    answer(parts, ctx, (caller) => chatTool.run(parts, caller, input)),
  );
}

/** Runs a tool for the caller; its result says what changed since the caller read it. */
async function answer(
  parts: McpParts,
  ctx: ServerContext,
  run: (caller: Caller) => Promise<ToolAnswer>,
) {
  const caller = callerOf(ctx);
  try {
    const { structured, text, behind = false } = await run(caller);
    const changed = await changedFor(parts, caller);
    return {
      content: [{ type: 'text' as const, text }],
      structuredContent: structured,
      _meta: {
        ...(changed.length > 0 && { [META.changed]: changed }),
        ...(behind && { [META.behind]: true }),
      },
    };
  } catch (error) {
    const fault = asFault(error);
    if (fault.row.jsonRpc === -32603) parts.report(fault.cause ?? fault, caller.correlationId);
    return toolErrorOf(fault, caller.correlationId);
  }
}

/** A hint, decided last, so that it is as new as it can be; an answer does not fail for it. */
async function changedFor(parts: McpParts, caller: Caller) {
  try {
    return await parts.reader.changedSinceRead(caller);
  } catch (error) {
    parts.report(error, caller.correlationId);
    return [];
  }
}
