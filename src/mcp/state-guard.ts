import { isObject } from '../kernel/json.ts';
import type { Caller } from '../twin/reader/index.ts';
import type { McpParts } from './parts.ts';

/**
 * Refuses a message whose request state is not one of ours for this very request, before any
 * handler runs: from inside a tool it would be a result, not an error of the protocol.
 * @throws Fault INVALID_ARGUMENT, once the refusal is in the audit.
 */
export async function guardState(
  { requestStates, audit }: Pick<McpParts, 'requestStates' | 'audit'>,
  caller: Caller,
  body: unknown,
): Promise<void> {
  if (!isObject(body) || !isObject(body.params)) return;
  const { requestState, name, arguments: args } = body.params;
  if (requestState === undefined) return;
  // No state is ever made for what is not a tool.
  const tool = body.method === 'tools/call' && typeof name === 'string' ? name : '';
  try {
    requestStates.open({ principal: caller.principal, tool, args }, requestState);
  } catch (error) {
    const why = 'request state';
    await audit.append({ action: 'chat', outcome: 'denied', ...caller, what: [], why });
    throw error;
  }
}
