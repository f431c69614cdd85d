import { isObject, type JsonObject } from '../../../kernel/json.ts';
import type { IndexRow } from '../../ports.ts';
import type { Period } from '../period.ts';
import type { Question } from '../questions.ts';
import { isAbout } from '../vocabulary.ts';
import { titleStems } from '../words.ts';
import { type Answer, isValid, type MemberFacts, newestFirst, said, textAt } from './answer.ts';
import { listed } from './tell.ts';

const TYPES = ['Claim', 'ExplanationOfBenefit'];
const YEARS_MAX = 6;
const CLAIMS_MAX = 6;
/** URIs named for a total; the section document shows the rest. */
const SOURCES_MAX = 5;

/** Words for services of any kind: they narrow nothing. */
const WHATEVER = /^(care|health|healthcar|medical|servic|expens|annual)/;

/** What was billed and paid: for a period, by year, or for what the question names. */
export function answerMoney(question: Question, facts: MemberFacts): Answer | undefined {
  if (!facts.sections.has('financial')) return undefined;
  const rows = newestFirst(facts.facts(TYPES).filter((row) => isValid(row) && isBilled(row)));
  const { period } = question;
  const within = period === undefined ? rows : rows.filter((row) => isWithin(row, period));
  const about = rowsAbout(question, within);
  const used = about.length > 0 ? about : within;
  const title = about.length > 0 ? 'Billed for it' : 'Billed';
  const items =
    rows.length === 0
      ? ['no claim is recorded']
      : period !== undefined || about.length > 0
        ? [totalOf(used, period?.says ?? 'in all'), ...claimsOf(used)]
        : [...yearsOf(rows), totalOf(rows, 'in all')];
  const sources = used.slice(0, SOURCES_MAX).map(({ uri }) => uri);
  const date = used[0]?.date ?? '';
  const all = [...owedBy(question, facts), ...items];
  return { title, items: all, sources, section: 'financial', date, whole: used.length > 1 };
}

/** FHIR R4 `use`: what only asks before anything is done is not billed. */
function isBilled({ title }: IndexRow): boolean {
  return !/^(Prior authorization|Cost estimate)\b/.test(title);
}

/** What the explanations leave to the member, where the question is about that. */
function owedBy(question: Question, facts: MemberFacts): string[] {
  if (
    !question.words.some((word) => /^(ow|portion|responsib|pocket|outstand|balanc|shar)/.test(word))
  )
    return [];
  const owes = facts.document('financial')?.owes;
  const says = isObject(owes) ? textAt(owes as JsonObject, 'says') : undefined;
  return says === undefined ? [] : [says];
}

export function isWithin({ date }: IndexRow, { from, to }: Period): boolean {
  return date !== '' && date >= from && date.slice(0, 10) <= to;
}

/** Claims whose services are what the question names, beyond the words for money. */
function rowsAbout({ words, topics, concepts }: Question, rows: readonly IndexRow[]): IndexRow[] {
  const kinds = new Set(topics.flatMap((one) => one.words));
  const named = concepts.map(({ meaning }) => meaning);
  const left = words.filter((word) => !kinds.has(word) && !WHATEVER.test(word));
  if (left.length === 0) return [];
  return rows.filter((row) => {
    const title = `${textAt(row.data, 'services') ?? ''} ${row.title}`;
    if (named.some((concept) => isAbout(concept, { title, codes: row.codes }))) return true;
    const held = new Set(titleStems(title));
    return left.every((word) => held.has(word));
  });
}

function yearsOf(rows: readonly IndexRow[]): string[] {
  const years = Map.groupBy(rows, ({ date }) => date.slice(0, 4));
  return [...years]
    .filter(([year]) => year !== '')
    .slice(0, YEARS_MAX)
    .map(([year, own]) => totalOf(own, `in ${year}`));
}

/** By claims where there are any; explanations that say otherwise are told beside them. */
function totalOf(rows: readonly IndexRow[], says: string): string {
  const claims = rows.filter(({ type }) => type === 'Claim');
  const explained = rows.filter(({ type }) => type === 'ExplanationOfBenefit');
  const counted = claims.length > 0 ? claims : explained;
  const billed = sumOf(counted, 'billed') ?? 'nothing';
  const stated = sumOf(explained, 'billed');
  const about = listed([
    stated === billed ? undefined : said('by explanations of benefit ', stated),
    said('insurers paid ', sumOf(explained, 'paid')),
    said("member's share ", sumOf(explained, 'patientPortion')),
  ]);
  const count = `${counted.length} ${counted.length === 1 ? 'claim' : 'claims'}`;
  return `${billed} ${says} over ${count}${about === '' ? '' : ` (${about})`}`;
}

function claimsOf(rows: readonly IndexRow[]): string[] {
  const claims = rows.filter(({ type }) => type === 'Claim');
  return (claims.length > 0 ? claims : rows).slice(0, CLAIMS_MAX).map((row) => {
    const what = textAt(row.data, 'services') ?? row.title;
    const billed = textAt(row.data, 'billed') ?? '';
    return `${row.date} ${billed}${said(' at ', textAt(row.data, 'provider'))}: ${what}`;
  });
}

/** In hundredths, so that no sum drifts; one currency only. */
function sumOf(rows: readonly IndexRow[], key: string): string | undefined {
  const amounts = rows.flatMap(({ data }) => {
    const [, value, currency] =
      /^(-?\d+(?:\.\d+)?) ([A-Z]{3})$/.exec(textAt(data, key) ?? '') ?? [];
    return value === undefined ? [] : [{ cents: Math.round(Number(value) * 100), currency }];
  });
  const [first] = amounts;
  if (first === undefined) return undefined;
  const own = amounts.filter(({ currency }) => currency === first.currency);
  const cents = own.reduce((sum, one) => sum + one.cents, 0);
  return `${(cents / 100).toFixed(2)} ${first.currency}`;
}
