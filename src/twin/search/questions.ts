import { LIMITS } from '../../kernel/limits.ts';
import { type Period, periodIn } from './period.ts';
import { fold } from './terms.ts';
import {
  type Concept,
  conceptsIn,
  conceptsWithin,
  type Field,
  type Found,
  fieldsIn,
  isKnown,
  meantBy,
  type Topic,
  topicsIn,
} from './vocabulary.ts';
import { isStopWord, stem, wordsOf } from './words.ts';

/** What kind of answer a question wants. */
export type Ask =
  | 'value'
  | 'list'
  | 'when'
  | 'since'
  | 'amount'
  | 'who'
  | 'where'
  | 'trend'
  | 'count';

/** A question, understood without a model: pure, from its words alone. */
export interface Question {
  readonly ask: Ask;
  /** Of several facts, which: the newest unless the first is asked for. */
  readonly first: boolean;
  /** About what is still to come. */
  readonly ahead: boolean;
  /** Only what is in force, only what is over, or both. */
  readonly state: 'active' | 'past' | 'any';
  readonly period?: Period;
  /** Stems of the words that carry the meaning. */
  readonly words: readonly string[];
  readonly concepts: readonly Found<Concept>[];
  /** What parts of their phrases mean, for records that do not have the whole. */
  readonly lesser: readonly Found<Concept>[];
  readonly topics: readonly Found<Topic>[];
  readonly fields: readonly Found<Field>[];
}

/** In the order in which they are tried; the first that fits names the kind. */
const ASKS: readonly (readonly [Ask, RegExp])[] = [
  ['count', /\bhow (many|often|frequently)\b|\bnumber of\b|\bcount of\b/],
  [
    'trend',
    /\btrend|\bover time\b|\bchang(e|ed|ing)\b|\b(gone|going|went) (up|down)\b|\brising\b|\bfalling\b|\bimprov|\bworse|\bprogress(ed|ing|ion)?\b|\bcompar|\b(increas|decreas)(e|ed|ing)\b|\bhistory of (her|his|their|the) \w+ (values|readings|results)\b/,
  ],
  [
    'since',
    /\bsince (when|what|which)\b|\bhow long\b|\bonset\b|\b(when|what (date|day|year)|which year)\b.*\b(start|begin|began|begun|diagnos|develop|contract|first|come down|set in|appear|found|identif|recogni)|\b(start|diagnos|onset) date\b|\bdate of (diagnosis|onset)\b|\bfirst (diagnosed|noted|recorded|identified)\b/,
  ],
  ['when', /\bwhen\b|\b(what|which|on what) (date|day|year|month)\b|\bdate of\b|\bhow recent/],
  [
    'who',
    /\bwho(m|se)?\b|\b(which|what) (doctor|clinician|provider|physician|nurse|person|people)\b/,
  ],
  [
    'where',
    /\bwhere\b|\b(which|what) (hospital|clinic|facility|location|place|practice|organization|city|town)\b/,
  ],
  ['amount', /\bhow much\b|\btotal\b|\bsum\b|\bcosts?\b|\bbill(s|ed)?\b|\bcharges?\b|\bspen[dt]\b/],
  ['list', /\blist\b|\bany\b|\ball\b|\b(what|which) (\w+ )*(are|does|do|is)\b|\bshow\b/],
];

const ACTIVE =
  /\bcurrent(ly)?\b|\bnow\b|\bactive(ly)?\b|\bpresent(ly)?\b|\btoday\b|\bongoing\b|\bstill\b|\bthese days\b|\btak(es|ing)\b|\bin force\b|\bat the moment\b|\bsupposed to\b/;
const PAST =
  /\bpast\b|\bprevious(ly)?\b|\bformer(ly)?\b|\bstopped\b|\bused to\b|\bresolved\b|\binactive\b|\bdiscontinued\b/;
/** "What is she on?" asks for medication without a word for it. */
const IS_ON = /\b(is|are) (he|she|they|the (member|patient)) on\b(?! (file|the|a|an|any)\b)/;
const AHEAD = /\bnext\b|\bupcoming\b|\bscheduled\b|\bcoming up\b|\bfuture\b|\bwill\b|\bdue\b/;
const FIRST = /\bfirst\b|\bearliest\b|\boldest\b|\binitial(ly)?\b/;

/**
 * Reads a question. `today` is an ISO date, for "last year"; `isWord` says which stems the record
 * knows, so that only what nobody knows is taken for a mistyped word.
 */
export function understand(
  query: string,
  today: string,
  isWord: (stem: string) => boolean = () => false,
): Question {
  const text = fold(query.slice(0, LIMITS.searchQueryCharsMax))
    .replace(/\s+/g, ' ')
    .replace(/\ba ?& ?e\b/g, 'emergency')
    // "How high is …" asks for a value, "high …" names a condition.
    .replace(/\bhow (high|low|big|large|good|bad|well)\b/g, 'how much');
  const { period, rest } = periodIn(text, today);
  const all = wordsOf(rest);
  const right = (form: string): string =>
    isKnown(form) || isWord(form) ? form : (meantBy(form) ?? form);
  const meaning = all.filter((word) => !isStopWord(word)).map((word) => right(stem(word)));
  const stems = new Set([...all.flatMap((word) => [stem(word), word]), ...meaning]);
  const words = [...new Set(meaning)];
  const concepts = conceptsIn(stems);
  return {
    ask: ASKS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'value',
    first: FIRST.test(text),
    ahead: AHEAD.test(text),
    state: ACTIVE.test(text) ? 'active' : PAST.test(text) ? 'past' : 'any',
    ...(period !== undefined && { period }),
    words: words.slice(0, LIMITS.searchTermsMax),
    concepts,
    lesser: conceptsWithin(stems).filter((found) => withinLonger(found, concepts)),
    topics: topicsIn(IS_ON.test(text) ? stems.add('medication') : stems).filter(
      (found) => !withinLonger(found, concepts),
    ),
    fields: fieldsIn(stems).filter((found) => !withinLonger(found, concepts)),
  };
}

/** "Birth" of "birth control" is no birth date. */
function withinLonger({ words }: Found<unknown>, concepts: readonly Found<Concept>[]): boolean {
  return concepts.some(
    (one) => one.words.length > words.length && words.every((word) => one.words.includes(word)),
  );
}
