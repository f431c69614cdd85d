import type { ChatInput, ChatResult, WhomQuestion } from '../contract/documents.ts';
import type { Caller } from '../twin/reader/index.ts';
import type { Work } from '../twin/work.ts';
import { answer, answerOrAsk } from './answer.ts';
import type { ChatParts } from './parts.ts';

export type { ChatParts } from './parts.ts';

export function createChat(parts: ChatParts): {
  answer(caller: Caller, input: ChatInput, work?: Work): Promise<ChatResult>;
  answerOrAsk(caller: Caller, input: ChatInput, work?: Work): Promise<ChatResult | WhomQuestion>;
} {
  return {
    answer: (caller, input, work) => answer(parts, caller, input, work),
    answerOrAsk: (caller, input, work) => answerOrAsk(parts, caller, input, work),
  };
}
