import {
  type InputRequiredResult,
  isInputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { bannerSentence } from '../../contract/break-glass.ts';
import type { ReadDocumentInput } from '../../contract/documents.ts';
import { META } from '../../contract/meta.ts';
import { asFault } from '../../kernel/errors.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { Work } from '../../twin/work.ts';
import { isOurs, toolErrorOf } from '../faults.ts';
import { freshnessOf } from '../freshness.ts';
import { ICONS } from '../icons.ts';
import { callerOf, type McpParts } from '../parts.ts';
import { readOptionsOf } from '../resources.ts';
import type { ToolAnswer } from './answer.ts';
import { chatTool } from './chat.ts';
import { readDocumentTool } from './read-document.ts';
import { createRounds } from './rounds.ts';
import { searchTool } from './search.ts';
import { workOf } from './work.ts';

/** The three verbs. They read; whatever would change something is only proposed. */
export function registerTools(server: McpServer, parts: McpParts): void {
  const annotations = { readOnlyHint: true, destructiveHint: false, openWorldHint: false };
  const shown = { annotations, icons: ICONS };
  const roundOf = createRounds(server, parts.clock);
  server.registerTool(searchTool.name, { ...searchTool.config, ...shown }, (input, ctx) =>
    answer(parts, ctx, (caller) => searchTool.run(parts, caller, input)),
  );
  server.registerTool(
    readDocumentTool.name,
    { ...readDocumentTool.config, ...shown },
    (input, ctx) =>
      answer(parts, ctx, (caller, { signal }) =>
        readDocumentTool.run(parts, caller, withFreshness(input, ctx.mcpReq._meta), {
          ...readOptionsOf(ctx.mcpReq._meta),
          signal,
        }),
      ),
  );
  server.registerTool(chatTool.name, { ...chatTool.config, ...shown }, (input, ctx) =>
    answer(parts, ctx, (caller, work) => chatTool.run(parts, caller, input, work, roundOf(ctx))),
  );
}

/** `_meta` says it for clients that cannot change a tool's arguments. */
function withFreshness(
  input: ReadDocumentInput,
  meta: Readonly<Record<string, unknown>> | undefined,
): ReadDocumentInput {
  const freshness = input.freshness ?? freshnessOf(meta);
  return freshness === undefined ? input : { ...input, freshness };
}

/**
 * Runs a tool for the caller; its result says what changed since the caller read it. What it asks
 * first is no result yet.
 */
async function answer(
  parts: McpParts,
  ctx: ServerContext,
  run: (caller: Caller, work: Work) => Promise<ToolAnswer | InputRequiredResult>,
) {
  const caller = callerOf(ctx);
  const work = workOf(parts, ctx);
  try {
    const result = await run(caller, work);
    if (isInputRequiredResult(result)) return result;
    const { structured, text, meta, behind = false, withheld = [], breakGlass = [] } = result;
    const changed = await changedFor(parts, caller);
    return {
      content: [
        ...breakGlass.map((one) => ({ type: 'text' as const, text: bannerSentence(one) })),
        { type: 'text' as const, text },
        ...hintOf(changed),
      ],
      structuredContent: structured,
      _meta: {
        ...meta,
        ...(changed.length > 0 && { [META.changed]: changed }),
        ...(behind && { [META.behind]: true }),
        ...(withheld.length > 0 && { [META.withheld]: withheld }),
        ...(breakGlass.length > 0 && { [META.breakGlass]: breakGlass }),
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
