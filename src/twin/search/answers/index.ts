import { type Question, understand } from '../questions.ts';
import { isKnown } from '../vocabulary.ts';
import { titleStems } from '../words.ts';
import type { Answer, MemberFacts } from './answer.ts';
import { answerCoverage, answerGaps } from './coverage.ts';
import { type Group, groupsFor, SPECIFIC_TYPES } from './groups.ts';
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
/** A word that neither the vocabulary nor the record knows says little of what is meant. */
const UNKNOWN_WEIGHT = 0.5;

/**
 * Answers a question about one member from facts, without a model: the way that accounts for most
 * of its words wins. `undefined` where it is not understood. Pure; `today` is an ISO date.
 */
export function answerTo(query: string, facts: MemberFacts, today: string): Answer | undefined {
  const rows = facts.facts(SPECIFIC_TYPES);
  const known = new Set(rows.flatMap(({ title }) => titleStems(title)));
  const asked = understand(query, today, (word) => known.has(word));
  const whole = asked.words.length === 0 ? [] : groupsFor(asked, rows);
  const lesser = { ...asked, concepts: asked.lesser };
  const parts = whole.length > 0 || asked.lesser.length === 0 ? [] : groupsFor(lesser, rows);
  const question = parts.length > 0 ? lesser : asked;
  const groups = parts.length > 0 ? parts : whole;
  const share = shareIn(question, groups);
  const ways = [
    ...specific(question, facts, groups, share),
    ...profile(question, facts, today, share),
    ...topics(question, facts, share),
  ];
  const likely = ways.filter((way) => way.share >= SHARE_MIN);
  for (const { answer } of likely.toSorted((a, b) => b.share - a.share)) {
    const found = answer();
    if (found !== undefined) return found;
  }
  return undefined;
}

type Share = (words: Iterable<string>) => number;

/** How much of a question some words account for, each by what it says. */
function shareIn({ words }: Question, groups: readonly Group[]): Share {
  const held = new Set(groups.flatMap((group) => group.words));
  const weights = new Map(
    words.map((word) => [word, isKnown(word) || held.has(word) ? 1 : UNKNOWN_WEIGHT]),
  );
  const all = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  return (some) =>
    [...new Set(some)].reduce((sum, word) => sum + (weights.get(word) ?? 0), 0) /
    Math.max(all, 0.5);
}

function specific(
  question: Question,
  facts: MemberFacts,
  groups: readonly Group[],
  share: Share,
): Route[] {
  const named = share(question.concepts.flatMap(({ words }) => words));
  const nothing = { share: named - 0.1, answer: () => answerNothing(question, facts) };
  const [best] = groups;
  if (best === undefined) return [nothing];
  // Words alone say less than a concept: a topic that accounts for as much goes first.
  const certain = best.concept ? 0.05 : -0.05;
  const answer = () => answerSpecific(question, groups);
  return [{ share: share(best.words) + certain, answer }, nothing];
}

function profile(question: Question, facts: MemberFacts, today: string, share: Share): Route[] {
  if (question.fields.length === 0) return [];
  const own = question.fields.flatMap(({ words }) => words);
  const held = question.words.length === 0 ? 1 : share(own);
  return [{ share: held + 0.02, answer: () => answerProfile(question, facts, today) }];
}

function topics(question: Question, facts: MemberFacts, share: Share): Route[] {
  return question.topics.map(({ meaning, words }): Route => {
    const held = question.words.length === 0 ? 1 : share(words);
    if (meaning.name === 'claims') {
      const fits = question.ask === 'amount' ? FITTING : 0;
      return { share: held + fits, answer: () => answerMoney(question, facts) };
    }
    if (meaning.name === 'coverage') {
      const fits = question.ask === 'who' ? FITTING : 0;
      return { share: held + fits, answer: () => answerCoverage(facts) };
    }
    if (meaning.name === 'careGaps') return { share: held, answer: () => answerGaps(facts) };
    const fits = meaning.name === 'appointments' ? (question.ahead ? FITTING : -FITTING) : 0;
    return { share: held + fits, answer: () => answerTopic(question, meaning, facts) };
  });
}
