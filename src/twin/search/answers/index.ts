import type { Question } from '../questions.ts';
import type { Answer, MemberFacts } from './answer.ts';
import { answerCoverage } from './coverage.ts';
import { groupsFor, SPECIFIC_TYPES, shareOf } from './groups.ts';
import { answerTopic } from './lists.ts';
import { answerMoney } from './money.ts';
import { answerProfile } from './profile.ts';
import { answerNothing, answerSpecific } from './specific.ts';

export type { Answer, MemberFacts } from './answer.ts';

/** A way to answer, and how much of the question it accounts for. */
interface Route {
  readonly share: number;
  readonly answer: () => Answer | undefined;
}

/** Below this a question is not understood; search alone answers it. */
const SHARE_MIN = 0.45;
/** What a kind of question adds to the way that it is about. */
const FITTING = 0.2;

/**
 * Answers a question about one member from facts, without a model: the way that accounts for most
 * of its words wins. `undefined` where it is not understood. Pure; `today` is an ISO date.
 */
export function answerFrom(
  question: Question,
  facts: MemberFacts,
  today: string,
): Answer | undefined {
  const routes = [...specific(question, facts), ...profile(question, facts, today)];
  const ways = [...routes, ...topics(question, facts)].filter(({ share }) => share >= SHARE_MIN);
  for (const { answer } of ways.toSorted((a, b) => b.share - a.share)) {
    const found = answer();
    if (found !== undefined) return found;
  }
  return undefined;
}

function specific(question: Question, facts: MemberFacts): Route[] {
  if (question.words.length === 0) return [];
  const groups = groupsFor(question, facts.facts(SPECIFIC_TYPES));
  const [best] = groups;
  const named = new Set(question.concepts.flatMap(({ words }) => words));
  const share = question.words.filter((word) => named.has(word)).length / question.words.length;
  const nothing = { share: share - 0.1, answer: () => answerNothing(question, facts) };
  if (best === undefined) return [nothing];
  // Words alone say less than a concept: a topic that accounts for as much goes first.
  const certain = best.concept ? 0.05 : -0.05;
  return [
    { share: best.explained + certain, answer: () => answerSpecific(question, groups) },
    nothing,
  ];
}

function profile(question: Question, facts: MemberFacts, today: string): Route[] {
  if (question.fields.length === 0) return [];
  const own = new Set(question.fields.flatMap(({ words }) => words));
  const held = question.words.filter((word) => own.has(word)).length;
  const share = question.words.length === 0 ? 1 : held / question.words.length;
  return [{ share: share + 0.02, answer: () => answerProfile(question, facts, today) }];
}

function topics(question: Question, facts: MemberFacts): Route[] {
  return question.topics.map(({ meaning }): Route => {
    const share = shareOf(question, meaning);
    if (meaning.name === 'claims') {
      const fits = question.ask === 'amount' ? FITTING : 0;
      return { share: share + fits, answer: () => answerMoney(question, facts) };
    }
    if (meaning.name === 'coverage') {
      const fits = question.ask === 'who' ? FITTING : 0;
      return { share: share + fits, answer: () => answerCoverage(facts) };
    }
    return { share, answer: () => answerTopic(question, meaning, facts) };
  });
}
