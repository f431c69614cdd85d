import { isObject, type Json, type JsonObject } from '../../../kernel/json.ts';
import { type Answer, type MemberFacts, said, textAt } from './answer.ts';
import { listed } from './tell.ts';

const PLANS_MAX = 5;

/** The plans, the one in force or claimed with last first, and what is known of eligibility. */
export function answerCoverage(facts: MemberFacts): Answer | undefined {
  const data = facts.document('coverage');
  if (data === undefined) return undefined;
  const plans = objects(data.plans);
  const eligibility = objects(data.eligibility)[0] ?? {};
  const items = [
    ...plans.slice(0, PLANS_MAX).map(tellPlan),
    ...(plans.length === 0 ? ['no plan is recorded'] : []),
    ...objects(data.benefits).map(tellElements),
    `eligibility ${textAt(eligibility, 'status') ?? 'unknown'}`,
    textAt(data, 'benefitsNote') ?? '',
  ].filter((item) => item !== '');
  const sources = plans.slice(0, PLANS_MAX).flatMap((plan) => textAt(plan, 'uri') ?? []);
  const date = textAt(plans[0] ?? {}, 'date') ?? '';
  return { title: 'Insurer', items, sources, section: 'coverage', date, whole: true };
}

function tellPlan(plan: JsonObject): string {
  const [payer, title] = [textAt(plan, 'payer'), textAt(plan, 'title')];
  const period = objects(plan.period)[0] ?? {};
  const claims = objects(plan.claims)[0] ?? {};
  const about = listed([
    title === payer ? undefined : title,
    textAt(plan, 'status'),
    said('from ', textAt(period, 'start')),
    said('to ', textAt(period, 'end')),
    said('last claim ', textAt(claims, 'last')),
    said('member number ', textAt(plan, 'memberNumber')),
    said('group ', textAt(plan, 'group')),
  ]);
  return `${payer ?? title ?? 'payer not given'}${about === '' ? '' : ` (${about})`}`;
}

const PROVENANCE = new Set(['title', 'uri', 'source', 'asOf', 'codes', 'basis', 'measure']);

/** A fact of a section, element by element: "Deductible: total 500.00 USD, used 120.00 USD". */
export function tellElements(fact: JsonObject): string {
  const elements = Object.entries(fact).flatMap(([key, value]) =>
    typeof value === 'string' && !PROVENANCE.has(key) ? `${wordsOfName(key)} ${value}` : [],
  );
  return `${textAt(fact, 'title') ?? ''}: ${listed(elements)}`;
}

/** `lastDone` as "last done". */
function wordsOfName(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

/** What is due, what is overdue and what is met, as the care document lists it. */
export function answerGaps(facts: MemberFacts): Answer | undefined {
  const data = facts.document('care');
  if (data === undefined) return undefined;
  const gaps = objects(data.careGaps);
  const items = gaps.length === 0 ? ['none recorded or derived'] : gaps.map(tellElements);
  const sources = gaps.flatMap((gap) => textAt(gap, 'uri') ?? []).slice(0, PLANS_MAX);
  return { title: 'Care gaps', items, sources, section: 'care', date: '', whole: true };
}

function objects(value: Json | undefined): JsonObject[] {
  if (Array.isArray(value)) return value.filter(isObject) as JsonObject[];
  return isObject(value) ? [value as JsonObject] : [];
}
