import { randomBytes } from 'node:crypto';
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  type InputRequest,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { isObject } from '../../kernel/json.ts';
import { principalKey } from '../../twin/principals.ts';
import { callerOf } from '../parts.ts';
import { text } from './samples.ts';

interface State {
  readonly tool: string;
  readonly round: number;
}

/**
 * State that goes through the client: signed, and bound to the principal and the method
 * (security.md §1.4 M1); each tool compares its own name, so that no other may use it.
 */
const codec = createRequestStateCodec<State>({
  key: randomBytes(32),
  bind: (ctx) => `${ctx.mcpReq.method}\0${principalKey(callerOf(ctx).principal)}`,
});
export const verifyState = codec.verify;

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
type Rounds = (ctx: ServerContext, tool: string) => Settled | Promise<Settled>;

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
  async test_input_required_result_multiple_inputs(ctx, tool) {
    const { inputResponses } = ctx.mcpReq;
    const given = acceptedContent(inputResponses, 'user_name', name);
    const all =
      inputResponse(inputResponses, 'greeting').kind === 'sampling' &&
      inputResponse(inputResponses, 'client_roots').kind === 'roots';
    if (given !== undefined && all && stateOf(ctx, tool)) return done(`Hello, ${given.name}!`);
    const greeting = askModel('Generate a greeting.');
    return await askWith(ctx, tool, 1, { user_name: askName, greeting, client_roots: askRoots });
  },
  async test_input_required_result_multi_round(ctx, tool) {
    const { inputResponses } = ctx.mcpReq;
    const round = stateOf(ctx, tool)?.round;
    const chosen = acceptedContent(inputResponses, 'step2', color);
    if (round === 2 && chosen !== undefined) return done(`You like ${chosen.color}.`);
    if (round === 1 && acceptedContent(inputResponses, 'step1', name) !== undefined) {
      return await askWith(ctx, tool, 2, { step2: askColor });
    }
    return await askWith(ctx, tool, 1, { step1: askName });
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

export function registerFixtureRounds(server: McpServer): void {
  for (const [tool, rounds] of Object.entries(TOOLS)) {
    server.registerTool(tool, { description: `Fixture ${tool}.` }, (ctx) => rounds(ctx, tool));
  }
}

async function confirmed(ctx: ServerContext, tool: string) {
  const given = acceptedContent(ctx.mcpReq.inputResponses, 'confirm', ok);
  if (given?.ok === true && stateOf(ctx, tool) !== undefined) return done('state-ok');
  return await askWith(ctx, tool, 1, { confirm: askOk });
}

function ask(inputRequests: Readonly<Record<string, InputRequest>>) {
  return inputRequired({ inputRequests: { ...inputRequests } });
}

async function askWith(
  ctx: ServerContext,
  tool: string,
  round: number,
  inputRequests: Readonly<Record<string, InputRequest>>,
) {
  const requestState = await codec.mint({ tool, round }, ctx);
  return inputRequired({ inputRequests: { ...inputRequests }, requestState });
}

/** The state of this tool; that of another one is none. */
function stateOf(ctx: ServerContext, tool: string): State | undefined {
  const state = ctx.mcpReq.requestState<State>();
  return state?.tool === tool ? state : undefined;
}
