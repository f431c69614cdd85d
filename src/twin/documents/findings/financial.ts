import type { JsonObject } from '../../../kernel/json.ts';
import {
  codesOf,
  conceptText,
  dateOf,
  type Element,
  isGiven,
  moneyText,
  objectOf,
  objectsOf,
  periodOf,
  stringOf,
  unique,
  valuesAt,
} from '../../fhir/elements.ts';
import { claimAmounts } from '../claim-amounts.ts';
import { enrollmentFinding } from '../enrollments.ts';
import { shown } from '../money.ts';
import type { MemberRecord, RecordSet } from '../records.ts';
import { joined, namesAt } from './clinical.ts';
import type { Reading } from './reading.ts';

export const FINANCIAL: Readonly<Record<string, Reading>> = {
  Claim: (record, set) => ({
    ...claim(record, 'Claim'),
    details: { ...services(record, set), billed: moneyText(record.resource.total) },
  }),
  ExplanationOfBenefit: (record, set) => ({
    ...claim(record, 'Explanation of benefit'),
    details: {
      ...services(record, set),
      insurer: joined(namesAt(record, set, 'insurer')),
      outcome: stringOf(record.resource.outcome),
      ...amountsTold(record.resource),
      decision: joined(reviewDecisions(record.resource)),
      valid: periodOf(objectsOf(record.resource.preAuthRefPeriod)[0]),
    },
  }),
  ClaimResponse: (record) => ({
    ...claim(record, 'Claim response'),
    details: { outcome: stringOf(record.resource.outcome) },
  }),
  Coverage: (record, set) => ({
    title: planTitle(record.resource, payerOf(record.resource, record, set)),
    status: stringOf(record.resource.status),
    date: dateOf(objectOf(record.resource.period).start),
    details: {
      payer: payerOf(record.resource, record, set),
      type: conceptText(record.resource.type),
      memberNumber: stringOf(record.resource.subscriberId),
      period: periodOf(record.resource.period),
    },
    codes: codesOf(record.resource.type),
  }),
  EnrollmentRequest: (record) => enrollmentFinding(record),
  CoverageEligibilityResponse: ({ resource }) => ({
    title: 'Eligibility answer',
    status: stringOf(resource.outcome) ?? stringOf(resource.status),
    date: dateOf(resource.created),
    details: { disposition: stringOf(resource.disposition) },
  }),
};

/** Claims that ask before anything is done; nothing is billed or owed by them. */
export const USES: Readonly<Record<string, string>> = {
  preauthorization: 'Prior authorization',
  predetermination: 'Cost estimate',
};

function claim(record: MemberRecord, word: string) {
  const { resource } = record;
  const items = objectsOf(resource.item).map(({ productOrService }) => productOrService);
  const kind = conceptText(resource.type);
  const name = USES[stringOf(resource.use) ?? ''] ?? word;
  return {
    title: kind === undefined ? name : `${name}, ${kind}`,
    status: stringOf(resource.status),
    date: dateOf(objectOf(resource.billablePeriod).start) ?? dateOf(resource.created),
    codes: codesOf(...items),
  };
}

function services(record: MemberRecord, set: RecordSet): Record<string, Element> {
  const items = objectsOf(record.resource.item);
  return {
    services: joined(
      unique(items.map(({ productOrService }) => conceptText(productOrService)).filter(isGiven)),
    ),
    provider: joined(namesAt(record, set, 'provider')),
    where: joined(namesAt(record, set, 'facility')),
  };
}

/** Every measure that the explanation states, in the order in which people ask. */
function amountsTold(resource: JsonObject): Record<string, Element> {
  const { currency, ...amounts } = claimAmounts(resource);
  const money = (value: number | undefined) => shown(value, currency);
  return {
    billed: money(amounts.billed),
    allowed: money(amounts.allowed),
    paid: money(amounts.paid ?? amounts.payable),
    patientPortion: money(amounts.portion),
    deductible: money(amounts.deductible),
    copay: money(amounts.copay),
    coinsurance: money(amounts.coinsurance),
    notCovered: money(amounts.notCovered),
    paidByPatient: money(amounts.paidByPatient),
    paidOn: dateOf(objectOf(resource.payment).date),
  };
}

/** Da Vinci PDex: what the payer decided on each item of a prior authorization. */
function reviewDecisions(resource: JsonObject): string[] {
  const actions = valuesAt(resource, 'item.adjudication.extension.extension');
  return unique(
    actions.flatMap(({ valueCodeableConcept }) => conceptText(valueCodeableConcept) ?? []),
  );
}

/** The payer by name: from the directory, or as the coverage itself displays it. */
export function payerOf(
  coverage: JsonObject,
  record: MemberRecord,
  set: RecordSet,
): string | undefined {
  return objectsOf(coverage.payor)
    .map((payor) => set.nameOf(payor, record))
    .find(isGiven);
}

/** Product name (`plan` class), else payer, else type. */
export function planTitle(coverage: JsonObject, payer: string | undefined): string {
  return classOf(coverage, 'plan')?.name ?? payer ?? conceptText(coverage.type) ?? 'Coverage';
}

/** Value and name of a Coverage.class of a type (`group`, `plan`, `rxbin` …). */
export function classOf(
  coverage: JsonObject,
  code: string,
): { value: string | undefined; name: string | undefined } | undefined {
  const found = objectsOf(coverage.class).find(({ type }) => {
    const codings = objectsOf(objectOf(type).coding);
    return codings.some((coding) => coding.code === code);
  });
  return found && { value: stringOf(found.value), name: stringOf(found.name) };
}
