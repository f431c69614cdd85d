import type { IndexRow } from '../../ports.ts';
import type { Question } from '../questions.ts';
import { type Concept, isAbout } from '../vocabulary.ts';
import { stemsOf, titleStems } from '../words.ts';
import { isValid, newestFirst } from './answer.ts';

/** Facts of one kind of thing, newest first, and how much of a question they explain. */
export interface Group {
  readonly type: string;
  readonly title: string;
  readonly rows: readonly IndexRow[];
  /** Words of the question that this group accounts for. */
  readonly words: readonly string[];
  readonly concept: boolean;
  /** Share of the title's words that the question holds. */
  readonly precision: number;
}

/** Everything that is neither money nor the paper around it. */
export const SPECIFIC_TYPES = [
  ...['Observation', 'Condition', 'Procedure', 'Immunization', 'Encounter', 'AllergyIntolerance'],
  ...['MedicationRequest', 'MedicationStatement', 'MedicationAdministration'],
  ...['MedicationDispense', 'DiagnosticReport', 'ImagingStudy', 'Device', 'FamilyMemberHistory'],
  ...['CarePlan', 'CareTeam', 'Goal', 'Appointment', 'Task', 'ServiceRequest'],
];

/** Groups that the question names by concept, code or display words, the best first. */
export function groupsFor(question: Question, rows: readonly IndexRow[]): Group[] {
  const kinds = Map.groupBy(rows.filter(isValid), ({ type, title, codes }) =>
    // One test is one series whatever its sources call it; other things are called apart.
    type === 'Observation' && codes !== '' ? `${type}|${codes}` : `${type}|${title}`,
  );
  return [...kinds.values()].flatMap((own) => groupOf(question, own) ?? []).sort(byFit);
}

/** Of two that account for as much, what the record means comes before what it only says. */
function byFit(a: Group, b: Group): number {
  const words = b.words.length - a.words.length;
  return words || Number(b.concept) - Number(a.concept) || b.precision - a.precision;
}

function groupOf(question: Question, own: readonly IndexRow[]): Group | undefined {
  const [first] = own;
  if (first === undefined) return undefined;
  const { type, title } = first;
  const generic = new Set(question.topics.flatMap(({ words }) => words));
  const concept = new Set(
    question.concepts.filter(({ meaning }) => named(meaning, first)).flatMap(({ words }) => words),
  );
  const parts = new Set(titleStems(title));
  const codes = new Set(first.codes.toLowerCase().split(' '));
  const literal = question.words.filter(
    (word) => codes.has(word) || [...parts].some((part) => same(part, word)),
  );
  const telling = literal.some((word) => !generic.has(word) && !WEAK.has(word));
  if (concept.size === 0 && !telling) return undefined;
  const topic = question.topics
    .filter(({ meaning }) => meaning.types.includes(type))
    .flatMap(({ words }) => words);
  const all = new Set([...concept, ...literal, ...topic]);
  const words = question.words.filter((word) => all.has(word));
  return {
    type,
    title,
    rows: newestFirst(own),
    words,
    concept: concept.size > 0,
    precision: Math.min(1, literal.length / Math.max(1, parts.size)),
  };
}

/** Words of many displays, which alone do not tell which one is meant. */
const WEAK = new Set(
  stemsOf(
    'blood serum plasma urine mass volume panel test total score health care medical service ' +
      'social assessment procedure finding patient encounter using body right left history',
  ),
);

/** An encounter is also what its class says ("emergency"). */
function named(concept: Concept, row: IndexRow): boolean {
  if (row.type === 'Encounter') {
    const title = `${row.title} ${String(row.data.class ?? '')}`;
    return concept.type === 'Encounter' && isAbout(concept, { title, codes: row.codes });
  }
  return related(concept.type, row.type) && isAbout(concept, row);
}

/** Which kinds of record can be about what a concept of another kind names. */
function related(concept: string, type: string): boolean {
  if (concept === type) return true;
  const kinds = RELATED[concept];
  return kinds?.includes(type) ?? false;
}

const RELATED: Readonly<Record<string, readonly string[]>> = {
  Observation: ['Procedure', 'DiagnosticReport'],
  Procedure: ['DiagnosticReport', 'ImagingStudy', 'Observation'],
  MedicationRequest: ['MedicationStatement', 'MedicationDispense', 'MedicationAdministration'],
};

/** The same stem, or a beginning of it that is long enough to mean the same. */
function same(part: string, word: string): boolean {
  if (part === word) return true;
  const length = Math.min(part.length, word.length);
  return length >= 5 && (part.startsWith(word) || word.startsWith(part));
}
