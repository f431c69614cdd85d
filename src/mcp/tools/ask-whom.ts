import {
  type InputRequiredResult,
  inputRequired,
  inputResponse,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { ChatInput, ChatResult, WhomQuestion } from '../../contract/documents.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { Work } from '../../twin/work.ts';
import type { McpParts } from '../parts.ts';
import type { Asked } from '../request-state.ts';
import type { Round } from './rounds.ts';

type Parts = Pick<McpParts, 'chat' | 'requestStates'>;

/** The key of the one question in `inputRequests`, and of its one field. */
const WHOM = 'member';
const NAME_CHARS_MAX = 128;
const chosen = z.object({ [WHOM]: z.string().min(1).max(NAME_CHARS_MAX) });

/** What the state remembers: how many questions there were, and whom the last one offered. */
const memory = z.object({ round: z.number().int().min(1), offered: z.array(z.string()) });
type Memory = z.infer<typeof memory>;

/**
 * Answers a message; asks the person first where it is not clear whom it is about and their client
 * takes forms. Whom they choose is checked like any other `member`.
 */
export async function answerInRounds(
  { chat, requestStates }: Parts,
  caller: Caller,
  input: ChatInput,
  work: Work,
  round: Round,
): Promise<ChatResult | InputRequiredResult> {
  const asked: Asked = { principal: caller.principal, tool: 'chat', args: input };
  const answerOrAsk = async (
    about: ChatInput,
    number: number,
  ): Promise<ChatResult | InputRequiredResult> => {
    if (!round.mayAsk || number > LIMITS.questionsPerCallMax) {
      return await chat.answer(caller, about, work);
    }
    const result = await chat.answerOrAsk(caller, about, work);
    if (!('candidates' in result)) return result;
    const offered = result.candidates.map(({ member }) => member);
    const requestState = requestStates.seal(asked, { round: number, offered } satisfies Memory);
    return round.asked(inputRequired({ inputRequests: { [WHOM]: formOf(result) }, requestState }));
  };
  if (round.state === undefined) return await answerOrAsk(input, 1);
  const state = requestStates.open(asked, round.state);
  const before = memory.parse(state.payload);
  const reply = replyTo(before, round.responses);
  // Without an answer the state alone completes nothing (security.md §1.4 M5).
  if (reply === undefined) return await answerOrAsk(input, before.round);
  return await requestStates.once(state, () =>
    reply === 'declined'
      ? chat.answer(caller, input, work)
      : answerOrAsk({ ...input, member: reply.member }, before.round + 1),
  );
}

/** Never for a secret: a form is seen by the client (security.md §1.4 M7). */
function formOf({ question, candidates }: WhomQuestion) {
  const title = 'Member';
  const offered = candidates.map(({ member, name }) => ({ const: member, title: name }));
  const field =
    offered.length > 0
      ? { type: 'string' as const, title, oneOf: offered }
      : { type: 'string' as const, title, minLength: 1, maxLength: NAME_CHARS_MAX };
  return inputRequired.elicit({
    message: offered.length > 0 ? 'Whom is this about?' : question,
    requestedSchema: { type: 'object', properties: { [WHOM]: field }, required: [WHOM] },
  });
}

/** What the person said; `undefined` where that is no answer to what was asked (M4). */
function replyTo(
  { offered }: Memory,
  responses: Round['responses'],
): { readonly member: string } | 'declined' | undefined {
  const reply = inputResponse(responses, WHOM);
  if (reply.kind !== 'elicit') return undefined;
  if (reply.action !== 'accept') return 'declined';
  const { data } = chosen.safeParse(reply.content);
  if (data === undefined) return undefined;
  return offered.length === 0 || offered.includes(data[WHOM]) ? data : undefined;
}
