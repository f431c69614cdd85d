import { z } from 'zod';
import { Fault } from '../../kernel/errors.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { renderDocument } from '../../twin/render/index.ts';
import type { McpParts } from '../parts.ts';

export type Arguments = Readonly<Record<string, string | undefined>>;

/** A prompt of ours: words that never change, and documents that are read through the one door. */
export interface TwinPrompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly string[];
  readonly argsSchema: z.ZodObject;
  messages(parts: McpParts, caller: Caller, given: Arguments): Promise<Message[]>;
}

export type Message = { readonly role: 'user'; readonly content: Text | Embedded };
type Text = { type: 'text'; text: string };
type Embedded = { type: 'resource'; resource: { uri: string; mimeType: string; text: string } };

/** The one argument that every prompt has. */
export const memberArgument = z
  .string()
  .min(1)
  .max(128)
  .optional()
  .describe('Member id, or a name, birth date or plan number; left out: yourself.');

export function say(text: string): Message {
  return { role: 'user', content: { type: 'text', text } };
}

/** @throws Fault INVALID_ARGUMENT where it is not clear who is meant. */
export async function memberOf(
  { reader }: McpParts,
  caller: Caller,
  text: string | undefined,
): Promise<string> {
  const member = await reader.findMember(caller, text);
  if (member !== undefined) return member;
  throw new Fault('INVALID_ARGUMENT', { detail: 'member: say who is meant; search finds people.' });
}

/** One document within a budget of tokens, as an embedded resource under its own URI. */
export async function embed(
  { reader }: McpParts,
  caller: Caller,
  uri: string,
  budgetTokens: number,
): Promise<Message> {
  const { document, title } = await reader.read(caller, uri);
  const options = { view: 'summary', format: 'markdown', budgetTokens } as const;
  const { content } = renderDocument({ ...document, title }, options);
  const resource = { uri: document.uri, mimeType: 'text/markdown', text: content };
  return { role: 'user', content: { type: 'resource', resource } };
}
