import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import { META } from '../../contract/meta.ts';
import { asFault } from '../../kernel/errors.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { Work } from '../../twin/work.ts';
import { isOurs, toolErrorOf } from '../faults.ts';
import { ICONS } from '../icons.ts';
import { callerOf, type McpParts } from '../parts.ts';
import { readOptionsOf } from '../resources.ts';
import type { ToolAnswer } from './answer.ts';
import { chatTool } from './chat.ts';
import { readDocumentTool } from './read-document.ts';
import { searchTool } from './search.ts';
import { workOf } from './work.ts';

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
      answer(parts, ctx, (caller, { signal }) =>
        readDocumentTool.run(parts, caller, input, {
          ...readOptionsOf(ctx.mcpReq._meta),
          signal,
        }),
      ),
  );
  server.registerTool(chatTool.name, { ...chatTool.config, ...shown }, (input, ctx) =>
    answer(parts, ctx, (caller, work) => chatTool.run(parts, caller, input, work)),
  );
}

/** Runs a tool for the caller; its result says what changed since the caller read it. */
async function answer(
  parts: McpParts,
  ctx: ServerContext,
  run: (caller: Caller, work: Work) => Promise<ToolAnswer>,
) {
  const caller = callerOf(ctx);
  const work = workOf(parts, ctx);
  try {
    const { structured, text, behind = false } = await run(caller, work);
    const changed = await changedFor(parts, caller);
    return {
      content: [{ type: 'text' as const, text }, ...hintOf(changed)],
      structuredContent: structured,
      _meta: {
        ...(changed.length > 0 && { [META.changed]: changed }),
        ...(behind && { [META.behind]: true }),
      },
    };
  } catch (error) {
    const fault = asFault(error);
    // Whoever gave up hears nothing more, and that they did is no fault of ours.
    if (isOurs(fault) && !work.signal.aborted)
      parts.report(fault.cause ?? fault, caller.correlationId);
    return toolErrorOf(fault, caller.correlationId);
  }
}

/** URIs that the hint names at most. */
const HINTED_MAX = 3;

/** Hosts keep `_meta` from their models, and few listen to updates: a model reads this line. */
function hintOf(changed: readonly { uri: string }[]): { type: 'text'; text: string }[] {
  if (changed.length === 0) return [];
  const named = changed.slice(0, HINTED_MAX).map(({ uri }) => uri);
  const more = changed.length > named.length ? `, and ${changed.length - named.length} more` : '';
  const text = `Changed since you read it: ${named.join(', ')}${more}. Read again before acting.`;
  return [{ type: 'text', text }];
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
