import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { objectOf, stringOf } from '../fhir/elements.ts';
import { accumulatorsOf, benefitContradictions, benefitSchema } from './benefits.ts';
import { claimContradictions } from './claim-contradictions.ts';
import { contradictionsOf, contradictionsSchema } from './contradictions.ts';
import { factOf, factShape, Lists, leftOutSchema, newestFirst, periodSchema } from './fact.ts';
import { findingOf, USES } from './findings/index.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import { countedExplanations, type YearTotals, yearTotals, yearTotalsSchema } from './totals.ts';

const text = z.string().optional();

const claimShape = {
  ...factShape,
  services: text,
  provider: text,
  where: text,
  insurer: text,
  outcome: text,
  billed: text,
  allowed: text,
  paid: text,
  /** The patient's share: as stated, else deductible, copay, coinsurance and not covered. */
  patientPortion: text,
  deductible: text,
  copay: text,
  coinsurance: text,
  notCovered: text,
  paidByPatient: text,
  paidOn: text,
  decision: text,
  /** How long an authorization holds. */
  valid: periodSchema.optional(),
};

/** `financial` (design §4): totals by year, claims, accumulators, what the member owes. */
export const financialSchema = z.strictObject({
  owes: z.strictObject({ says: z.string(), note: z.string() }),
  /** Newest year first; a row a currency. */
  totals: z.array(yearTotalsSchema),
  accumulators: z.array(benefitSchema),
  /** Explanations of benefit, newest first. */
  claims: z.array(z.strictObject(claimShape)),
  /** Claims that no explanation answers yet, as far as the record shows. */
  unanswered: z.array(z.strictObject(claimShape)),
  /** Prior authorizations and cost estimates: nothing of them is billed. */
  authorizations: z.array(z.strictObject(claimShape)),
  contradictions: contradictionsSchema,
  leftOut: leftOutSchema.optional(),
});

const MAX = {
  totals: 15,
  accumulators: 30,
  claims: 20,
  unanswered: 10,
  authorizations: 10,
} as const;

export function financialData(set: RecordSet): JsonObject {
  const lists = new Lists();
  const take = (what: keyof typeof MAX, list: readonly JsonObject[], ...types: string[]) =>
    lists.take(what, list, MAX[what], types);
  const facts = (records: readonly MemberRecord[]) =>
    newestFirst(records.map((record) => factOf(record, findingOf(record, set))));
  const explanations = set.of('ExplanationOfBenefit');
  const claims = set.of('Claim').filter(isBilled);
  const answered = answeredClaims(explanations);
  const unanswered = claims.filter(({ key }) => !answered.has(key));
  const totals = yearTotals(countedExplanations(explanations.filter(isBilled)), unanswered);
  const accumulators = accumulatorsOf(set);
  const asked = [...explanations, ...set.of('Claim')].filter((record) => !isBilled(record));
  const data = {
    owes: owed(totals),
    totals: take('totals', totals, 'ExplanationOfBenefit', 'Claim'),
    accumulators: take('accumulators', accumulators, 'CoverageEligibilityResponse'),
    claims: take('claims', facts(explanations.filter(isBilled)), 'ExplanationOfBenefit'),
    unanswered: take('unanswered', facts(unanswered), 'Claim'),
    authorizations: take('authorizations', facts(asked), 'ExplanationOfBenefit', 'Claim'),
    ...contradictionsOf(
      [
        ...benefitContradictions(accumulators),
        ...claimContradictions(set, explanations.filter(isBilled)),
      ],
      lists,
      'ExplanationOfBenefit',
      'Claim',
    ),
  };
  return { ...data, ...(lists.leftOut.length > 0 && { leftOut: lists.leftOut }) };
}

/** FHIR R4 `use`: claims that ask before anything is done are not billed. */
function isBilled({ resource }: MemberRecord): boolean {
  return !Object.hasOwn(USES, stringOf(resource.use) ?? '');
}

function answeredClaims(explanations: readonly MemberRecord[]): Set<string> {
  return new Set(
    explanations.flatMap(({ resource }) => stringOf(objectOf(resource.claim).reference) ?? []),
  );
}

const OWES_NOTE =
  'From explanations of benefit; what was paid to providers directly is not in the record.';

/** What the newest year's explanations leave to the member. */
function owed(totals: readonly YearTotals[]): JsonObject {
  const newest = totals.find(({ owed: amount }) => amount !== undefined);
  if (newest === undefined) {
    return { says: 'No explanation of benefit states a patient portion.', note: OWES_NOTE };
  }
  const paid = newest.paidByPatient ?? 'nothing';
  const says =
    `${newest.owed} for ${newest.year}: patient portion ${newest.patientPortion}, ` +
    `of which the record shows ${paid} as paid by the patient.`;
  return { says, note: OWES_NOTE };
}
