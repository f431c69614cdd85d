import {
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Clock } from '../../kernel/clock.ts';
import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';

/** One call of a tool that may ask a person before it answers. */
export interface Round {
  /** Whether the client takes a form now. */
  readonly mayAsk: boolean;
  /** What the client sent back of the question before; an attacker's input. */
  readonly state: string | undefined;
  readonly responses: Readonly<Record<string, unknown>> | undefined;
  /** The question as the tool's result: the SDK sends it in the way of the client's era. */
  asked(question: InputRequiredResult): InputRequiredResult;
}

/**
 * Rounds of one server, which is one request of 2026-07-28 or one session of the 2025 era. There
 * the SDK keeps the call open and asks by a request of its own (security.md §1.4 M8), so a session
 * that leaves too many open is not asked any more.
 */
export function createRounds(server: McpServer, clock: Clock): (ctx: ServerContext) => Round {
  let open: number[] = [];
  return ({ mcpReq }) => {
    const state = mcpReq.requestState<string>();
    if (state !== undefined) open.shift();
    const horizon = clock.monotonic() - LIMITS.elicitationTimeoutMs;
    open = open.filter((at) => at > horizon);
    const envelope = new Map<string, unknown>(Object.entries(mcpReq.envelope ?? {}));
    const declared =
      envelope.get(CLIENT_CAPABILITIES_META_KEY) ?? server.server.getClientCapabilities();
    return {
      mayAsk: takesForms(declared) && open.length < LIMITS.openQuestionsPerSessionMax,
      state,
      responses: mcpReq.inputResponses,
      asked(question) {
        open.push(clock.monotonic());
        return question;
      },
    };
  };
}

/** `elicitation: {}` means forms, as it did before there were modes. */
function takesForms(declared: unknown): boolean {
  const elicitation = isObject(declared) ? declared.elicitation : undefined;
  return isObject(elicitation) && ('form' in elicitation || !('url' in elicitation));
}
