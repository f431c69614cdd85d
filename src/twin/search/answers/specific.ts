import type { IndexRow } from '../../ports.ts';
import type { Question } from '../questions.ts';
import { type Answer, isActive, type MemberFacts, newestFirst } from './answer.ts';
import type { Group } from './groups.ts';
import { isWithin } from './money.ts';
import { tellSeries } from './series.ts';
import { tell } from './tell.ts';

const SERIES_MAX = 5;
const ROWS_MAX = 6;
const SOURCES_MAX = 5;

/** Which kinds of record a kind of question is about first, where several fit. */
const FIRST_TYPES: Partial<Readonly<Record<Question['ask'], readonly string[]>>> = {
  when: ['Procedure', 'Immunization', 'Encounter', 'Condition'],
  since: ['Condition', 'MedicationRequest', 'Procedure'],
  value: ['Observation'],
  trend: ['Observation'],
};

/** What the record says of the things that a question names. */
export function answerSpecific(question: Question, groups: readonly Group[]): Answer | undefined {
  const [best] = groups;
  if (best === undefined) return undefined;
  const close = groups.filter(
    ({ words, concept }) => words.length === best.words.length && concept === best.concept,
  );
  const types = [...Map.groupBy(close, ({ type }) => type)].sort(
    ([a], [b]) => placeOf(question, a) - placeOf(question, b),
  );
  const told = types.map(([type, own]) => linesOf(question, type, own));
  const rows = told.flatMap((one) => one.rows);
  const [first] = rows;
  if (first === undefined) return undefined;
  return {
    title: titleOf(question, types[0]?.[1] ?? close),
    items: told.flatMap(({ lines }) => lines),
    sources: [...new Set(rows.map(({ uri }) => uri))].slice(0, SOURCES_MAX),
    section: first.section,
    date: first.date,
    whole: told.flatMap(({ lines }) => lines).length > 2,
  };
}

/** Where a question names something that the record does not have: that is an answer too. */
export function answerNothing(question: Question, facts: MemberFacts): Answer | undefined {
  const [found] = question.concepts;
  if (found === undefined) return undefined;
  if (!facts.sections.has('clinical')) return undefined;
  const { name } = found.meaning;
  const items = ['nothing of this name in what you may read'];
  return { title: name, items, sources: [], section: 'clinical', date: '', whole: true };
}

function placeOf({ ask }: Question, type: string): number {
  const place = FIRST_TYPES[ask]?.indexOf(type) ?? -1;
  return place === -1 ? SERIES_MAX : place;
}

function titleOf({ concepts }: Question, groups: readonly Group[]): string {
  const [first] = groups;
  const [concept] = concepts;
  if (first === undefined || groups.length === 1) return first?.title ?? '';
  return first.concept && concept !== undefined ? concept.meaning.name : first.title;
}

function linesOf(
  question: Question,
  type: string,
  groups: readonly Group[],
): { lines: string[]; rows: readonly IndexRow[] } {
  if (type === 'Observation') return seriesOf(question, groups);
  const all = newestFirst(groups.flatMap(({ rows }) => rows));
  const { period, first, ask, state } = question;
  const within = period === undefined ? all : all.filter((row) => isWithin(row, period));
  const some = within.length > 0 ? within : all;
  const active = some.filter(isActive);
  const inForce = state === 'active' && active.length > 0 ? active : some;
  const rows = first || (ask === 'since' && type !== 'Condition') ? inForce.toReversed() : inForce;
  const ordered = type === 'Condition' ? rows.toSorted(byForce) : rows;
  const shown = ordered.slice(0, ROWS_MAX).map(tell);
  const none = period !== undefined && within.length === 0 ? [`none ${period.says}`] : [];
  const said = period === undefined ? 'recorded' : period.says;
  const many = within.length > 1 || ask === 'count';
  const count = many ? [`${within.length} ${said}`] : [];
  const lines = ask === 'count' ? [...count, ...shown] : [...none, ...shown, ...count];
  return { lines, rows: ordered };
}

function seriesOf(question: Question, groups: readonly Group[]) {
  const ask =
    question.first || question.ask === 'since'
      ? 'first'
      : question.ask === 'trend'
        ? 'trend'
        : 'latest';
  const { period } = question;
  const series = groups
    .map(({ title, rows }) => {
      const within = period === undefined ? rows : rows.filter((row) => isWithin(row, period));
      return { title, none: within.length === 0, rows: within.length === 0 ? rows : within };
    })
    .slice(0, SERIES_MAX);
  const lines = series.map(({ title, rows, none }) => {
    const line = tellSeries(rows, ask);
    const missing = none && period !== undefined ? `none ${period.says}; ` : '';
    const count = question.ask === 'count' ? `${none ? 0 : rows.length} times; ` : '';
    return `${groups.length > 1 ? `${title}: ` : ''}${missing}${count}${line}`;
  });
  return { lines, rows: series.flatMap(({ rows }) => rows.slice(0, 2)) };
}

function byForce(a: IndexRow, b: IndexRow): number {
  return Number(isActive(b)) - Number(isActive(a));
}
