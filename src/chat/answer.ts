import type { ChatInput, ChatResult, SearchResult } from '../contract/documents.ts';
import { Fault } from '../kernel/errors.ts';
import type { Caller } from '../twin/reader/index.ts';
import { memberObject } from '../twin/subjects.ts';
import type { ChatParts } from './parts.ts';
import { goOn, keep, type Session, start } from './session.ts';

/** Facts in one answer at most, and how close to the best one each has to come. */
const FACTS_MAX = 5;
const RELEVANCE_MIN = 0.4;
const SEARCH_BUDGET_TOKENS = 1_000;

type Sentence = ChatResult['sentences'][number];

/**
 * Answers from the record alone: retrieves what the caller may read, composes it sentence by
 * sentence, each with its source and etag, and asks back where the person has to be clearer.
 */
export async function answer(
  parts: ChatParts,
  caller: Caller,
  input: ChatInput,
): Promise<ChatResult> {
  const session = await openSession(parts, caller, input);
  if (session.member === undefined) return await askWho(parts, caller, session);
  await requireChat(parts, caller, session.member);
  const found = await parts.reader.search(
    caller,
    {
      query: input.message.slice(0, 256),
      member: session.member,
      budget: SEARCH_BUDGET_TOKENS,
    },
    'chat',
  );
  const sentences = sentencesOf(found);
  const uri = await keep(parts, caller, session, sentences);
  const notices = found.omitted > 0 ? [`${found.omitted} more facts matched; use search.`] : [];
  if (sentences.length > 0) {
    return {
      session: uri,
      answer: sentences.map(({ text }) => text).join(' '),
      sentences,
      notices,
    };
  }
  return {
    session: uri,
    answer: 'The record that you may read says nothing about this.',
    sentences,
    questions: ['Can you name the condition, medication, test or date that you mean?'],
    notices,
  };
}

/** One conversation is about one member, so that nothing of another can slip in. */
async function openSession(
  { reader }: ChatParts,
  caller: Caller,
  { member: named, session: uri }: ChatInput,
): Promise<Session> {
  const session = uri === undefined ? start() : await goOn(reader, caller, uri);
  const member =
    named === undefined && session.member !== undefined
      ? session.member
      : await reader.findMember(caller, named);
  if (session.member === undefined || session.member === member) {
    return { ...session, ...(member !== undefined && { member }) };
  }
  throw new Fault('INVALID_ARGUMENT', {
    detail: 'This session is about another member; leave the session out to begin a new one.',
  });
}

async function requireChat({ access }: ChatParts, { principal }: Caller, member: string) {
  const item = { permission: 'chat', object: memberObject(member) };
  const [decision] = await access.check(principal, [item]);
  if (decision?.allowed !== true) throw new Fault('NOT_FOUND');
}

async function askWho(parts: ChatParts, caller: Caller, session: Session): Promise<ChatResult> {
  return {
    session: await keep(parts, caller, session, []),
    answer: 'I need to know whom this is about.',
    sentences: [],
    questions: ['Which member? Give a member id, a name, a birth date or a plan number.'],
    notices: [],
  };
}

function sentencesOf({ results }: SearchResult): Sentence[] {
  const facts = results.filter(({ kind }) => kind === 'fact');
  const best = facts[0]?.score ?? 0;
  return facts
    .filter(({ score }) => score >= best * RELEVANCE_MIN)
    .slice(0, FACTS_MAX)
    .map(({ title, date, snippet, uri, etag }) => ({
      text: `${title}${date === undefined ? '' : `, ${date}`}: ${snippet}${/[.!?]$/.test(snippet) ? '' : '.'}`,
      sources: [{ uri, etag }],
    }));
}
