import type { IndexRow } from '../../ports.ts';
import type { Question } from '../questions.ts';
import type { Topic } from '../vocabulary.ts';
import { type Answer, isActive, isValid, type MemberFacts, newestFirst, textAt } from './answer.ts';
import { isWithin } from './money.ts';
import { tellSeries } from './series.ts';
import { tell } from './tell.ts';

/** Items that an answer offers; its budget decides how many are shown. */
const ITEMS_MAX = 25;
const SOURCES_MAX = 5;

/** How people call the records of a topic in an answer. */
const LABELS: Readonly<Record<string, string>> = {
  careTeam: 'Care team',
  carePlans: 'Care plans',
  familyHistory: 'Family history',
  labs: 'Latest lab results',
  vitals: 'Latest vital signs',
};

/** Topics of which people ask what is in force, unless they ask for the past. */
const IN_FORCE = new Set(['medications', 'conditions', 'careTeam', 'carePlans', 'goals', 'tasks']);
/** Topics of which one line a kind is enough, the newest. */
const BY_KIND = new Set(['medications', 'immunizations', 'procedures', 'conditions', 'carePlans']);
/** SNOMED's own words for what is no disorder: told after the disorders. */
const NO_DISORDER = /\((finding|situation|morphologic abnormality|procedure)\)\s*$/;

/** Everything of a kind, as far as the question wants it: in force, in a period, the newest. */
export function answerTopic(
  question: Question,
  topic: Topic,
  facts: MemberFacts,
): Answer | undefined {
  if (!facts.sections.has(topic.section)) return undefined;
  const all = ofCategory(topic, newestFirst(facts.facts(topic.types).filter(isValid)));
  const { period } = question;
  const within = period === undefined ? all : all.filter((row) => isWithin(row, period));
  const label =
    LABELS[topic.name] ?? `${topic.name.slice(0, 1).toUpperCase()}${topic.name.slice(1)}`;
  const rows = inOrder(question, topic, inState(question, topic, within));
  const when = period === undefined ? '' : ` ${period.says}`;
  const base = { section: topic.section, whole: rows.length !== 1 };
  if (rows.length === 0) {
    const last = within.length > 0 ? within : all;
    const items = [`none recorded${when}${within.length > 0 ? ' as active' : ''}`];
    const others = last.slice(0, 3).map((row) => `earlier: ${tell(row)}`);
    return { ...base, title: label, items: [...items, ...others], sources: urisOf(last), date: '' };
  }
  return {
    ...base,
    title: titleOf(question, label, rows, within.length, when),
    items: itemsOf(question, topic, rows),
    sources: urisOf(rows),
    date: rows[0]?.date ?? '',
  };
}

function titleOf(
  { ask }: Question,
  label: string,
  rows: readonly IndexRow[],
  within: number,
  when: string,
): string {
  const all = ask === 'count' || rows.length < within ? `${rows.length} of ${within}` : rows.length;
  return `${label}${when} (${all})`;
}

function itemsOf({ ask, first }: Question, topic: Topic, rows: readonly IndexRow[]): string[] {
  if (topic.name === 'labs' || topic.name === 'vitals') {
    const series = Map.groupBy(rows, ({ title }) => title);
    return [...series]
      .slice(0, ITEMS_MAX)
      .map(
        ([title, own]) => `${title}: ${tellSeries(own.slice(0, 2), first ? 'first' : 'latest')}`,
      );
  }
  const shown = (first ? rows.toReversed() : rows).slice(0, ITEMS_MAX).map(tell);
  if (topic.name !== 'encounters') return shown;
  if (ask === 'who') return [...mostSeen(rows, 'who'), ...shown];
  return shown;
}

/** By how often, with the number of times. */
function mostSeen(rows: readonly IndexRow[], key: string): string[] {
  const counts = Map.groupBy(rows, ({ data }) => textAt(data, key) ?? '');
  return [...counts]
    .filter(([name]) => name !== '')
    .sort((a, b) => b[1].length - a[1].length)
    .slice(0, 3)
    .map(([name, own]) => `${name}: ${own.length} visits, last ${own[0]?.date ?? ''}`);
}

/** Labs and vital signs are told apart by their category, the first word of their text. */
function ofCategory({ name }: Topic, rows: readonly IndexRow[]): readonly IndexRow[] {
  if (name === 'labs') return rows.filter(({ text }) => text.startsWith('Lab result'));
  if (name === 'vitals') return rows.filter(({ text }) => text.startsWith('Vital sign'));
  return rows;
}

function inState({ state, ask, period }: Question, topic: Topic, rows: readonly IndexRow[]) {
  if (state === 'past') return rows.filter((row) => !isActive(row));
  const wanted = state === 'active' || (ask !== 'count' && period === undefined);
  return IN_FORCE.has(topic.name) && wanted ? rows.filter(isActive) : rows;
}

function inOrder(_: Question, topic: Topic, rows: readonly IndexRow[]): readonly IndexRow[] {
  const kinds = BY_KIND.has(topic.name) ? newestOfKind(rows) : rows;
  if (topic.name !== 'conditions') return kinds;
  const disorders = kinds.filter(({ title }) => !NO_DISORDER.test(title));
  return [...disorders, ...kinds.filter(({ title }) => NO_DISORDER.test(title))];
}

function newestOfKind(rows: readonly IndexRow[]): readonly IndexRow[] {
  return [...Map.groupBy(rows, ({ title }) => title).values()].flatMap((own) => own.slice(0, 1));
}

function urisOf(rows: readonly IndexRow[]): string[] {
  return rows.slice(0, SOURCES_MAX).map(({ uri }) => uri);
}
