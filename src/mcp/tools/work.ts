import type { ServerContext } from '@modelcontextprotocol/server';
import type { Work } from '../../twin/work.ts';
import type { McpParts } from '../parts.ts';

/**
 * A request as work that its client follows: cancelled, or gone, it ends; with a progress token it
 * hears of the steps, rising and never after the answer (MCP `basic/patterns/progress.mdx`).
 */
export function workOf({ report }: Pick<McpParts, 'report'>, { mcpReq }: ServerContext): Work {
  const progressToken = mcpReq._meta?.progressToken;
  let told = -1;
  return {
    signal: mcpReq.signal,
    tell(done, total, message) {
      if (progressToken === undefined || mcpReq.signal.aborted || done <= told) return;
      told = done;
      const params = { progressToken, progress: done, total, message };
      mcpReq.notify({ method: 'notifications/progress', params }).catch(report);
    },
  };
}
