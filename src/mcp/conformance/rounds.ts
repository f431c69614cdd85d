import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequest,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { isObject } from '../../kernel/json.ts';
import { callerOf, type McpParts } from '../parts.ts';
import type { Asked } from '../request-state.ts';
import { text } from './samples.ts';

const name = z.object({ name: z.string().max(256) });
const color = z.object({ color: z.string().max(256) });
const ok = z.object({ ok: z.boolean() });

const askName = inputRequired.elicit({ message: 'What is your name?', requestedSchema: name });
const askColor = inputRequired.elicit({ message: 'Which colour?', requestedSchema: color });
const askOk = inputRequired.elicit({ message: 'Please confirm.', requestedSchema: ok });
const askRoots = inputRequired.listRoots();
const askModel = (question: string): InputRequest =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: text(question) }],
    maxTokens: 100,
  });

const done = (said: string) => ({ content: [text(said)] });

type Settled = ReturnType<typeof done> | ReturnType<typeof inputRequired>;
type Rounds = (ctx: ServerContext, memory: Memory) => Settled;

/** What the request state of a call says, and how the next one is made. */
interface Memory {
  readonly round: unknown;
  ask(round: number, inputRequests: Readonly<Record<string, InputRequest>>): Settled;
}

/** SEP-2322: tools that return what they need to know, and finish once they know it. */
const TOOLS: Readonly<Record<string, Rounds>> = {
  test_input_required_result_elicitation(ctx) {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'user_name', name);
    return given === undefined ? ask({ user_name: askName }) : done(`Hello, ${given.name}!`);
  },
  test_input_required_result_sampling(ctx) {
    const given = inputResponse(ctx.mcpReq.inputResponses, 'capital_question');
    return given.kind === 'sampling'
      ? done(JSON.stringify(given.result.content))
      : ask({ capital_question: askModel('What is the capital of France?') });
  },
  test_input_required_result_list_roots(ctx) {
    const given = inputResponse(ctx.mcpReq.inputResponses, 'client_roots');
    return given.kind === 'roots'
      ? done(`Roots: ${given.roots.map(({ uri }) => uri).join(', ')}`)
      : ask({ client_roots: askRoots });
  },
  test_input_required_result_request_state: confirmed,
  test_input_required_result_tampered_state: confirmed,
  test_input_required_result_multiple_inputs(ctx, memory) {
    const { inputResponses } = ctx.mcpReq;
    const given = acceptedContent(inputResponses, 'user_name', name);
    const all =
      inputResponse(inputResponses, 'greeting').kind === 'sampling' &&
      inputResponse(inputResponses, 'client_roots').kind === 'roots';
    if (given !== undefined && all && memory.round === 1) return done(`Hello, ${given.name}!`);
    const greeting = askModel('Generate a greeting.');
    return memory.ask(1, { user_name: askName, greeting, client_roots: askRoots });
  },
  test_input_required_result_multi_round(ctx, { round, ask: askNext }) {
    const { inputResponses } = ctx.mcpReq;
    const chosen = acceptedContent(inputResponses, 'step2', color);
    if (round === 2 && chosen !== undefined) return done(`You like ${chosen.color}.`);
    if (round === 1 && acceptedContent(inputResponses, 'step1', name) !== undefined) {
      return askNext(2, { step2: askColor });
    }
    return askNext(1, { step1: askName });
  },
  test_input_required_result_capabilities(ctx) {
    const envelope = new Map<string, unknown>(Object.entries(ctx.mcpReq.envelope ?? {}));
    const declared = envelope.get(CLIENT_CAPABILITIES_META_KEY);
    if (!isObject(declared)) return done('Nothing may be asked.');
    return ask({
      ...('sampling' in declared && { question: askModel('What is 1 + 1?') }),
      ...('elicitation' in declared && { user_name: askName }),
    });
  },
  // The SDK refuses to ask for what the client did not declare: -32021 (SEP-2575).
  test_missing_capability(ctx) {
    const given = inputResponse(ctx.mcpReq.inputResponses, 'question');
    return given.kind === 'sampling' ? done('Done.') : ask({ question: askModel('Ready?') });
  },
};

export function registerFixtureRounds(server: McpServer, parts: McpParts): void {
  for (const [tool, rounds] of Object.entries(TOOLS)) {
    server.registerTool(tool, { description: `Fixture ${tool}.` }, (ctx) =>
      rounds(ctx, memoryOf(parts, ctx, tool)),
    );
  }
}

/** By the product's own states, so that the suite's attacks meet what a client would. */
function memoryOf({ requestStates }: McpParts, ctx: ServerContext, tool: string): Memory {
  const asked: Asked = { principal: callerOf(ctx).principal, tool, args: {} };
  const text = ctx.mcpReq.requestState<string>();
  return {
    round: text === undefined ? undefined : requestStates.open(asked, text).payload.round,
    ask: (round, inputRequests) =>
      inputRequired({
        inputRequests: { ...inputRequests },
        requestState: requestStates.seal(asked, { round }),
      }),
  };
}

function confirmed(ctx: ServerContext, memory: Memory): Settled {
  const given = acceptedContent(ctx.mcpReq.inputResponses, 'confirm', ok);
  if (given?.ok === true && memory.round === 1) return done('state-ok');
  return memory.ask(1, { confirm: askOk });
}

function ask(inputRequests: Readonly<Record<string, InputRequest>>) {
  return inputRequired({ inputRequests: { ...inputRequests } });
}
