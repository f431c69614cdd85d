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
} from '../../fhir/elements.ts';
import type { MemberRecord, RecordSet } from '../records.ts';
import { joined, namesAt } from './clinical.ts';
import type { Reading } from './reading.ts';

export const FINANCIAL: Readonly<Record<string, Reading>> = {
  Claim: (record, set) => ({
    ...claim(record, 'Claim'),
    details: { ...services(record, set), total: moneyText(record.resource.total) },
  }),
  ExplanationOfBenefit: (record, set) => {
    const { resource } = record;
    return {
      ...claim(record, 'Explanation of benefit'),
      details: {
        ...services(record, set),
        insurer: joined(namesAt(record, set, 'insurer')),
        outcome: stringOf(resource.outcome),
        amounts: joined(totals(resource.total)),
        paid: moneyText(objectOf(resource.payment).amount),
      },
    };
  },
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
  CoverageEligibilityResponse: ({ resource }) => ({
    title: 'Eligibility answer',
    status: stringOf(resource.outcome) ?? stringOf(resource.status),
    date: dateOf(resource.created),
    details: { disposition: stringOf(resource.disposition) },
  }),
};

function claim(record: MemberRecord, word: string) {
  const { resource } = record;
  const items = objectsOf(resource.item).map(({ productOrService }) => productOrService);
  const kind = conceptText(resource.type);
  return {
    title: kind === undefined ? word : `${word}, ${kind}`,
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

function totals(value: Element): string[] {
  return objectsOf(value).flatMap(({ category, amount }) => {
    const money = moneyText(amount);
    return money === undefined ? [] : [`${conceptText(category) ?? 'total'} ${money}`];
  });
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
