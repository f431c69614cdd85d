import type { ChatInput, ChatResult } from '../contract/documents.ts';
import type { Caller } from '../twin/reader/index.ts';
import { answer } from './answer.ts';
import type { ChatParts } from './parts.ts';

export type { ChatParts } from './parts.ts';

export function createChat(parts: ChatParts): {
  answer(caller: Caller, input: ChatInput): Promise<ChatResult>;
} {
  return { answer: (caller, input) => answer(parts, caller, input) };
}
