import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import {
  codesOf,
  compact,
  conceptText,
  dateOf,
  objectOf,
  objectsOf,
  periodOf,
  stringOf,
} from '../fhir/elements.ts';
import { benefitContradictions, benefitSchema, benefitsOf } from './benefits.ts';
import { contradictionsOf, contradictionsSchema } from './contradictions.ts';
import { eligibilityContradictions, eligibilityOf, eligibilitySchema } from './eligibility.ts';
import { enrollmentSchema, enrollmentsOf } from './enrollments.ts';
import {
  compareDates,
  factOf,
  factShape,
  isOutOfTime,
  Lists,
  leftOutSchema,
  nowShape,
  periodSchema,
} from './fact.ts';
import { classOf, payerOf, planTitle } from './findings/financial.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import { nowOf } from './time.ts';

const text = z.string().optional();

/** `coverage` (design §4): plans, eligibility, benefit facts. */
export const coverageSchema = z.strictObject({
  plans: z.array(
    z.strictObject({
      ...factShape,
      payer: text,
      product: text,
      type: text,
      order: z.number().int().optional(),
      memberNumber: text,
      group: text,
      relationship: text,
      subscriber: text,
      period: periodSchema.optional(),
      ...nowShape,
      /** Only where claims name the plan and no coverage record describes it. */
      claims: z.strictObject({ count: z.number().int(), first: text, last: text }).optional(),
      basis: z.enum(['coverage record', 'named in claims']),
    }),
  ),
  eligibility: eligibilitySchema,
  benefits: z.array(benefitSchema),
  /** Only where no benefit is known. */
  benefitsNote: z.string().optional(),
  /** What waits for a payer's answer, or was decided by one. */
  enrollments: z.array(enrollmentSchema).optional(),
  contradictions: contradictionsSchema,
  leftOut: leftOutSchema.optional(),
});

const PLANS_MAX = 20;
const BENEFITS_MAX = 60;
const ENROLLMENTS_MAX = 20;
const NO_BENEFITS =
  'No deductible, copay or other benefit is known: they come with an eligibility answer.';

export function coverageData(set: RecordSet): JsonObject {
  const lists = new Lists();
  const recorded = set.of('Coverage').map((record) => planOf(record, record.resource, set));
  const plans = [...recorded.sort(byForce), ...plansInClaims(set)];
  const benefits = benefitsOf(set);
  const enrollments = enrollmentsOf(set);
  return {
    plans: lists.take('plans', plans, PLANS_MAX, ['Coverage', 'ExplanationOfBenefit']),
    eligibility: eligibilityOf(set),
    benefits: lists.take('benefits', benefits, BENEFITS_MAX, [
      'CoverageEligibilityResponse',
      'Coverage',
    ]),
    ...(benefits.length === 0 && { benefitsNote: NO_BENEFITS }),
    ...(enrollments.length > 0 && {
      enrollments: lists.take('enrollments', enrollments, ENROLLMENTS_MAX, ['EnrollmentRequest']),
    }),
    ...contradictionsOf(
      [...eligibilityContradictions(set), ...benefitContradictions(benefits)],
      lists,
      'Coverage',
      'CoverageEligibilityResponse',
    ),
    ...(lists.leftOut.length > 0 && { leftOut: lists.leftOut }),
  };
}

/** In force before others, then by the plan's own order, then newest first. */
function byForce(a: JsonObject, b: JsonObject): number {
  const inForce = (plan: JsonObject) => Number(plan.status === 'active' && !isOutOfTime(plan));
  return inForce(b) - inForce(a) || orderOf(a) - orderOf(b) || compareDates(b.date, a.date);
}

function orderOf({ order }: JsonObject): number {
  return typeof order === 'number' ? order : Number.MAX_SAFE_INTEGER;
}

function planOf(
  record: MemberRecord,
  coverage: JsonObject,
  set: RecordSet,
  claims?: JsonObject,
): JsonObject {
  const payer = payerOf(coverage, record, set);
  const { status, type, period, order, subscriberId, relationship, subscriber } = coverage;
  const last = claims?.last;
  return factOf(record, {
    title: planTitle(coverage, payer),
    status: claims === undefined ? stringOf(status) : undefined,
    date: dateOf(objectOf(period).start) ?? (typeof last === 'string' ? last : undefined),
    details: {
      payer,
      product: classOf(coverage, 'plan')?.name,
      type: conceptText(type) === payer ? undefined : conceptText(type),
      order: typeof order === 'number' ? order : undefined,
      memberNumber: stringOf(subscriberId),
      group: classOf(coverage, 'group')?.name ?? classOf(coverage, 'group')?.value,
      relationship: conceptText(relationship),
      subscriber: set.nameOf(subscriber, record),
      period: periodOf(period),
      now: claims === undefined ? nowOf(coverage, set.reached) : undefined,
      claims,
      basis: claims === undefined ? 'coverage record' : 'named in claims',
    },
    codes: codesOf(type),
  });
}

/**
 * Coverage that exists only inside explanations of benefit, one plan a payer, type and number, with
 * the dates of its claims. A claim names it as active whenever it was made, so no status is told.
 */
function plansInClaims(set: RecordSet): JsonObject[] {
  const mentions = set.of('ExplanationOfBenefit').flatMap((record) =>
    objectsOf(record.resource.contained)
      .filter(({ resourceType }) => resourceType === 'Coverage')
      .map((coverage) => ({ record, coverage, date: claimDate(record) })),
  );
  const groups = Map.groupBy(mentions, ({ record, coverage }) =>
    JSON.stringify([
      payerOf(coverage, record, set) ?? null,
      conceptText(coverage.type) ?? null,
      stringOf(coverage.subscriberId) ?? null,
    ]),
  );
  return [...groups.values()]
    .map((group) => group.toSorted((a, b) => compareDates(b.date, a.date)))
    .toSorted((a, b) => compareDates(b[0]?.date, a[0]?.date))
    .flatMap((group) => {
      const [newest] = group;
      if (newest === undefined) return [];
      const dates = group.flatMap(({ date }) => date ?? []);
      const claims = compact({ count: group.length, first: dates.at(-1), last: dates[0] });
      return [planOf(newest.record, newest.coverage, set, claims)];
    });
}

function claimDate({ resource }: MemberRecord): string | undefined {
  return dateOf(objectOf(resource.billablePeriod).start) ?? dateOf(resource.created);
}
