import type { ChatInput, ChatResult } from '../contract/documents.ts';
import type { Caller } from '../twin/reader/index.ts';
import type { Work } from '../twin/work.ts';
import { answer } from './answer.ts';
import type { ChatParts } from './parts.ts';

export type { ChatParts } from './parts.ts';

export function createChat(parts: ChatParts): {
  answer(caller: Caller, input: ChatInput, work?: Work): Promise<ChatResult>;
} {
  return { answer: (caller, input, work) => answer(parts, caller, input, work) };
}
