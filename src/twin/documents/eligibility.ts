import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import {
  codeOf,
  compact,
  conceptText,
  isGiven,
  objectsOf,
  periodOf,
  stringOf,
} from '../fhir/elements.ts';
import { eligibilityAnswers, namesOfCheck } from './benefits.ts';
import { contradiction, type Saying } from './contradictions.ts';
import { periodSchema } from './fact.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import rejects from './rejections.json' with { type: 'json' };

const text = z.string().optional();

/** The newest answer of a payer about the member's eligibility. */
export const eligibilitySchema = z.strictObject({
  status: z.enum(['active', 'inactive', 'unknown', 'processing']),
  says: z.string(),
  checkedAt: text,
  disposition: text,
  /** What the payer could not answer, and what to do about it. */
  errors: z
    .array(z.strictObject({ code: text, says: z.string(), whatToDo: z.string() }))
    .optional(),
  /** Where the newest answer does not say: what the one before it said that did. */
  lastKnown: z
    .strictObject({ status: z.enum(['active', 'inactive']), checkedAt: text, uri: z.string() })
    .optional(),
  /** Where answers are about several plans: the newest of each. */
  byPlan: z
    .array(
      z.strictObject({
        plan: z.string(),
        status: z.enum(['active', 'inactive', 'unknown', 'processing']),
        checkedAt: text,
        period: periodSchema.optional(),
      }),
    )
    .optional(),
  /** Of the check that told it, and the payer's or clearinghouse's trace of it. */
  check: text,
  trace: text,
  uri: text,
  source: text,
});

const SAYS = {
  active: 'The payer says that the coverage is in force.',
  inactive: 'The payer says that the coverage is not in force.',
  unknown: 'The payer did not say whether the coverage is in force; check again.',
  processing: 'A check is under way.',
} as const;

/** Without an answer nothing is claimed either way. */
export function eligibilityOf(set: RecordSet): JsonObject {
  const answers = eligibilityAnswers(set);
  const [newest] = answers;
  if (newest === undefined) {
    return { status: 'unknown', says: 'No payer has answered an eligibility check yet.' };
  }
  const { resource, uri, source } = newest;
  const status = statusOf(resource);
  const told = compact({
    status,
    says: SAYS[status],
    checkedAt: stringOf(resource.created),
    disposition: stringOf(resource.disposition),
    errors: objectsOf(resource.error).map(errorOf),
    lastKnown: isKnown(status) ? undefined : lastKnown(answers),
    byPlan: byPlan(answers, set),
    ...namesOfCheck(resource),
    uri,
    source,
  });
  return told ?? {};
}

function statusOf({ outcome, insurance }: JsonObject): keyof typeof SAYS {
  if (outcome === 'queued') return 'processing';
  if (outcome === 'error') return 'unknown';
  const inforce = objectsOf(insurance).map((one) => one.inforce);
  if (inforce.includes(true)) return 'active';
  return inforce.includes(false) ? 'inactive' : 'unknown';
}

function isKnown(status: keyof typeof SAYS): status is 'active' | 'inactive' {
  return status === 'active' || status === 'inactive';
}

function lastKnown(answers: readonly MemberRecord[]): JsonObject | undefined {
  const found = answers.find(({ resource }) => isKnown(statusOf(resource)));
  if (found === undefined) return undefined;
  const { resource, uri } = found;
  return compact({ status: statusOf(resource), checkedAt: stringOf(resource.created), uri });
}

/** Nothing where all answers are about one plan. */
function byPlan(answers: readonly MemberRecord[], set: RecordSet): JsonObject[] {
  const plans = new Map<string, JsonObject>();
  for (const record of answers) {
    const { resource } = record;
    for (const insurance of objectsOf(resource.insurance)) {
      const plan = set.nameOf(insurance.coverage, record) ?? 'plan not named';
      if (plans.has(plan)) continue;
      const told = compact({
        plan,
        status: statusOf({ ...resource, insurance }),
        checkedAt: stringOf(resource.created),
        period: periodOf(insurance.benefitPeriod),
      });
      plans.set(plan, told ?? {});
    }
  }
  return plans.size < 2 ? [] : [...plans.values()].slice(0, PLANS_MAX);
}

const PLANS_MAX = 10;

const WHAT_TO_DO: Readonly<Record<string, { readonly says: string; readonly whatToDo: string }>> = {
  ...rejects.codes,
  ...rejects.own,
};
/** AAA04, where it forbids to ask again, or says when. */
const FOLLOW_UPS: Readonly<Record<string, string>> = rejects.followUps;
const OTHERWISE = 'Read what the payer says, correct it and check again.';

function errorOf({ code, extension }: JsonObject): JsonObject {
  const key = codeOf(code);
  const followUp = objectsOf(extension)
    .map(({ valueCode }) => FOLLOW_UPS[stringOf(valueCode) ?? ''])
    .find(isGiven);
  const known = key !== undefined && Object.hasOwn(WHAT_TO_DO, key) ? WHAT_TO_DO[key] : undefined;
  return {
    ...(key !== undefined && { code: key }),
    says: known?.says ?? conceptText(code) ?? 'The payer gave no reason.',
    whatToDo: [known?.whatToDo ?? OTHERWISE, followUp].filter(isGiven).join(' '),
  };
}

/** A coverage record that is active while the payer says that it is not in force, or the reverse. */
export function eligibilityContradictions(set: RecordSet): JsonObject[] {
  const [newest] = eligibilityAnswers(set);
  if (newest === undefined) return [];
  return objectsOf(newest.resource.insurance).flatMap((insurance) => {
    const coverage = coverageOf(insurance, set);
    if (coverage === undefined || typeof insurance.inforce !== 'boolean') return [];
    const active = coverage.resource.status === 'active';
    if (active === insurance.inforce) return [];
    const sayings: Saying[] = [
      {
        record: newest,
        says: insurance.inforce ? SAYS.active : SAYS.inactive,
        date: stringOf(newest.resource.created)?.slice(0, 10),
      },
      {
        record: coverage,
        says: `The coverage record is ${stringOf(coverage.resource.status) ?? 'without a status'}.`,
      },
    ];
    return [contradiction('whether the coverage is in force', sayings)];
  });
}

function coverageOf({ coverage }: JsonObject, set: RecordSet): MemberRecord | undefined {
  const keys = objectsOf(coverage)
    .map(({ reference }) => stringOf(reference))
    .filter(isGiven);
  return set.of('Coverage').find(({ key }) => keys.includes(key));
}
