import type { ChatInput, ChatResult, SearchResult, WhomQuestion } from '../contract/documents.ts';
import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Caller } from '../twin/reader/index.ts';
import { memberObject } from '../twin/subjects.ts';
import { UNFOLLOWED, type Work } from '../twin/work.ts';
import { candidatesAmong } from './candidates.ts';
import type { ChatParts } from './parts.ts';
import { goOn, keep, type Session, start } from './session.ts';
import { type Whom, whom } from './whom.ts';

/** Facts in one answer at most, and how close to the best one each has to come. */
const FACTS_MAX = 5;
const RELEVANCE_MIN = 0.4;
const SEARCH_BUDGET_TOKENS = 1_000;
const DECISION_HOLDS_MS = LIMITS.decisionTtlMs - LIMITS.checkTimeoutMs;
const QUERY_CHARS_MAX = 256;
/** Of an answer, as its progress is told. */
const STEPS = 3;
/** Subjects that a question back offers. */
const OFFERED_MAX = 3;

type Sentence = ChatResult['sentences'][number];

/** Answers; where it is not clear whom it is about, the answer is a question back. */
export async function answer(
  parts: ChatParts,
  caller: Caller,
  input: ChatInput,
  work: Work = UNFOLLOWED,
): Promise<ChatResult> {
  const opened = await open(parts, caller, input, work);
  if ('question' in opened) return await askWho(parts, caller, opened);
  return await answerFor(parts, caller, { ...opened, message: input.message }, work);
}

/** Answers, or says what a person has to be asked before: then no session is kept. */
export async function answerOrAsk(
  parts: ChatParts,
  caller: Caller,
  input: ChatInput,
  work: Work = UNFOLLOWED,
): Promise<ChatResult | WhomQuestion> {
  const opened = await open(parts, caller, input, work);
  if (!('question' in opened)) {
    return await answerFor(parts, caller, { ...opened, message: input.message }, work);
  }
  const { question, members } = opened;
  return { question, candidates: await candidatesAmong(parts.reader, caller, members) };
}

/**
 * Answers from the record alone: the answer that search computed, else the facts that match, each
 * sentence with its sources and their etags; asks back where member or subject are not clear.
 */
async function answerFor(
  parts: ChatParts,
  caller: Caller,
  { session, member, message }: About & { readonly message: string },
  { signal, tell }: Work,
): Promise<ChatResult> {
  tell(1, STEPS, 'Looking in the record');
  const first = await retrieve(parts, caller, member, message);
  // Whoever has gone leaves no session behind.
  signal.throwIfAborted();
  tell(2, STEPS, 'Keeping the session');
  const keptFromMs = parts.clock.monotonic();
  const uri = await keep(parts, caller, { ...session, member }, sentencesOf(first));
  // The log may take longer than a decision holds (promise P1): then it is decided anew.
  const holds = parts.clock.monotonic() - keptFromMs <= DECISION_HOLDS_MS;
  const found = holds ? first : await retrieve(parts, caller, member, message);
  const sentences = sentencesOf(found);
  const notices = found.omitted > 0 ? [`${found.omitted} more facts matched; use search.`] : [];
  if (sentences.length > 0) {
    const text = sentences.map((sentence) => sentence.text).join(' ');
    const questions = isComputed(found) ? [] : questionsAbout(found);
    return {
      session: uri,
      answer: text,
      sentences,
      ...(questions.length > 0 && { questions }),
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

async function retrieve(
  parts: ChatParts,
  caller: Caller,
  member: string,
  message: string,
): Promise<SearchResult> {
  await requireChat(parts, caller, member);
  const query = message.slice(0, QUERY_CHARS_MAX);
  return await parts.reader.search(caller, { query, member, budget: SEARCH_BUDGET_TOKENS }, 'chat');
}

/** A conversation and whom it is about. */
interface About {
  readonly session: Session;
  readonly member: string;
}

type Unclear = { readonly session: Session } & Extract<Whom, { question: string }>;

/** One conversation is about one member, so that nothing of another can slip in. */
async function open(
  { reader }: ChatParts,
  caller: Caller,
  input: ChatInput,
  { tell }: Work,
): Promise<About | Unclear> {
  tell(0, STEPS, 'Finding whom it is about');
  const session = input.session === undefined ? start() : await goOn(reader, caller, input.session);
  if (input.member === undefined && session.member !== undefined) {
    return { session, member: session.member };
  }
  const found = await whom(reader, caller, input);
  if ('question' in found) return { session, ...found };
  if (session.member === undefined || session.member === found.member) {
    return { session, member: found.member };
  }
  throw new Fault('INVALID_ARGUMENT', {
    detail: 'This session is about another member; leave the session out to begin a new one.',
  });
}

/** @throws Fault NOT_FOUND, once the refusal is in the audit. */
async function requireChat({ access, audit }: ChatParts, caller: Caller, member: string) {
  const item = { permission: 'chat', object: memberObject(member) };
  const [decision] = await access.check(caller.principal, [item]);
  if (decision?.allowed === true) return;
  // Without whom it was about: what was given as an id may be somebody's name.
  await audit.append({ action: 'chat', outcome: 'denied', ...caller, what: [], why: 'chat' });
  throw new Fault('NOT_FOUND');
}

async function askWho(
  parts: ChatParts,
  caller: Caller,
  { session, question }: Unclear,
): Promise<ChatResult> {
  return {
    session: await keep(parts, caller, session, []),
    answer: 'I need to know whom this is about.',
    sentences: [],
    questions: [question],
    notices: [],
  };
}

/** Search answered the question itself: then nothing that only matches its words is added. */
function isComputed({ results }: SearchResult): boolean {
  return results[0]?.sources !== undefined;
}

function sentencesOf(found: SearchResult): Sentence[] {
  const facts = found.results.filter(({ kind }) => kind === 'fact');
  const [first] = facts;
  if (first !== undefined && isComputed(found)) return [sentenceOf(first)];
  const best = first?.score ?? 0;
  return facts
    .filter(({ score }) => score >= best * RELEVANCE_MIN)
    .slice(0, FACTS_MAX)
    .map(sentenceOf);
}

/** What a result says, with the documents that it rests on; the one to read on comes first. */
function sentenceOf({ title, date, snippet, uri, etag, sources = [] }: Result): Sentence {
  const dated = date === undefined || snippet.includes(date) ? '' : `, ${date}`;
  const end = /[.!?]$/.test(snippet) ? '' : '.';
  const others = sources.filter((source) => source.uri !== uri);
  return { text: `${title}${dated}: ${snippet}${end}`, sources: [{ uri, etag }, ...others] };
}

type Result = SearchResult['results'][number];

/** Facts only matched the words: what of them is meant is for the person to say. */
function questionsAbout({ results }: SearchResult): string[] {
  const facts = results.filter(({ kind }) => kind === 'fact');
  const titles = [...new Set(facts.map(({ title }) => title))].slice(0, OFFERED_MAX);
  return titles.length < 2 ? [] : [`Is it about ${titles.join(', or ')}?`];
}
