import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import {
  codeOf,
  codesOf,
  compact,
  conceptText,
  dateOf,
  type Element,
  isGiven,
  objectOf,
  objectsOf,
  quantityText,
  stringOf,
} from '../fhir/elements.ts';
import { compareDates, factOf, factShape } from './fact.ts';
import { moneyOf, shown, sumOf } from './money.ts';
import type { MemberRecord, RecordSet } from './records.ts';

const text = z.string().optional();

/** One benefit of a plan: what it is for, how much of it there is, and who says so. */
export const benefitSchema = z.strictObject({
  ...factShape,
  kind: z.enum(['deductible', 'out-of-pocket maximum', 'copay', 'coinsurance', 'limit', 'other']),
  /** Of a copay or coinsurance. */
  value: text,
  serviceType: text,
  network: text,
  /** `Individual`, `Family` …: whose amounts are counted together. */
  unit: text,
  term: text,
  total: text,
  used: text,
  remaining: text,
  remainingIs: z.enum(['stated', 'derived']).optional(),
  excluded: z.boolean().optional(),
  authorizationRequired: z.boolean().optional(),
  note: text,
  plan: text,
  /** Of the check that told it, and the payer's or clearinghouse's trace of it. */
  check: text,
  trace: text,
  basis: z.enum(['eligibility answer', 'coverage record', 'explanation of benefit']),
});

type Kind = z.infer<typeof benefitSchema>['kind'];
type Basis = z.infer<typeof benefitSchema>['basis'];

const TITLES: Readonly<Record<Kind, string>> = {
  deductible: 'Deductible',
  'out-of-pocket maximum': 'Out-of-pocket maximum',
  copay: 'Copay',
  coinsurance: 'Coinsurance',
  limit: 'Limit',
  other: 'Benefit',
};

/** FHIR R4 coverage-copay-type: what a copay is for. */
const VISITS = ['gpvisit', 'spvisit', 'emergency', 'inpthosp', 'televisit', 'urgentcare'];

/** FHIR R4 benefit-type, coverage-copay-type and X12 EB01 codes, then words of the text. */
const KINDS: readonly (readonly [Kind, readonly string[], RegExp])[] = [
  ['deductible', ['deductible', 'C'], /deductible/i],
  [
    'out-of-pocket maximum',
    ['out-of-pocket', 'maxoutofpocket', 'G'],
    /out[- ]of[- ]pocket|stop[- ]loss/i,
  ],
  ['coinsurance', ['copay-percent', 'copaypct', 'coinsurance', 'A'], /co-?insurance|percent/i],
  ['copay', ['copay', 'copay-maximum', 'B', ...VISITS], /co-?pay/i],
  ['limit', ['benefit', 'visit', 'room', 'F'], /limit|maximum/i],
];

function kindOf(type: Element, otherwise: Kind): Kind {
  const code = codeOf(type) ?? '';
  const said = conceptText(type) ?? '';
  const byCode = KINDS.find(([, codes]) => codes.includes(code));
  return byCode?.[0] ?? KINDS.find(([, , words]) => words.test(said))?.[0] ?? otherwise;
}

/** What payers answered last about each plan, then what the coverage records themselves say. */
export function benefitsOf(set: RecordSet): JsonObject[] {
  return [...told(set), ...recorded(set)];
}

/** Amounts that fill up over a year: of the newest answers, and of the newest explanation. */
export function accumulatorsOf(set: RecordSet): JsonObject[] {
  return [...told(set).filter(({ used }) => used !== undefined), ...balances(set)];
}

/**
 * An answer about some services leaves standing what an earlier one said of others; of one benefit
 * only the newest statement counts.
 */
function told(set: RecordSet): JsonObject[] {
  const rows = newestAnswers(set).flatMap((one) => answered(one, set));
  const newest = new Map<string, string>();
  for (const row of rows) {
    const name = nameOf(row);
    if (dayOf(row) > (newest.get(name) ?? '')) newest.set(name, dayOf(row));
  }
  return rows.filter((row) => dayOf(row) === newest.get(nameOf(row)));
}

function dayOf({ asOf, date }: JsonObject): string {
  return stringOf(asOf) ?? stringOf(date) ?? '';
}

/** Everything that names a benefit, and not what is said of it. */
function nameOf({ kind, serviceType, network, unit, term, plan, note }: JsonObject): string {
  return JSON.stringify(
    [kind, serviceType, network, unit, term, plan, note].map((one) => one ?? null),
  );
}

interface Answer {
  readonly record: MemberRecord;
  readonly insurance: JsonObject;
}

/** An answer replaces the ones before it about the same plan and the same services. */
function newestAnswers(set: RecordSet): Answer[] {
  const all = eligibilityAnswers(set).flatMap((record) =>
    objectsOf(record.resource.insurance).map((insurance) => ({ record, insurance })),
  );
  const telling = all.filter(({ insurance }) => objectsOf(insurance.item).length > 0);
  const plans = Map.groupBy(telling, ({ record, insurance }) =>
    JSON.stringify([planKey(insurance), askedIn(record.resource)]),
  );
  return [...plans.values()].flatMap((answers) => {
    const newest = stringOf(answers[0]?.record.resource.created);
    return answers.filter(({ record }) => stringOf(record.resource.created) === newest);
  });
}

/** X12 service types that were asked for; without any, it was the health plan as a whole. */
function askedIn({ extension }: JsonObject): string {
  const asked = objectsOf(extension).find(({ url }) =>
    stringOf(url)?.endsWith('/asked-service-types'),
  );
  return stringOf(asked?.valueString) ?? '30';
}

/** What an answer's identifiers say of the check that brought it. */
export function namesOfCheck({ identifier }: JsonObject) {
  const of = (kind: string) =>
    objectsOf(identifier)
      .filter(({ system }) => stringOf(system)?.endsWith(`/eligibility-${kind}`))
      .map(({ value }) => stringOf(value))
      .find(isGiven);
  return { check: of('check'), trace: of('trace') };
}

function planKey(insurance: JsonObject): string {
  const { reference, display } = objectOf(insurance.coverage);
  return stringOf(reference) ?? stringOf(display) ?? '';
}

/** Answers that count, newest first. */
export function eligibilityAnswers(set: RecordSet): MemberRecord[] {
  return set
    .of('CoverageEligibilityResponse')
    .filter(({ resource }) => !VOID.has(stringOf(resource.status) ?? ''))
    .toSorted((a, b) => compareDates(b.resource.created, a.resource.created));
}

const VOID = new Set(['cancelled', 'draft', 'entered-in-error']);

function answered({ record, insurance }: Answer, set: RecordSet): JsonObject[] {
  const plan = set.nameOf(insurance.coverage, record);
  return objectsOf(insurance.item).flatMap((item) =>
    rowsOf(record, item, objectsOf(item.benefit), { plan, basis: 'eligibility answer' }),
  );
}

function balances(set: RecordSet): JsonObject[] {
  const [newest] = set
    .of('ExplanationOfBenefit')
    .filter(({ resource }) => objectsOf(resource.benefitBalance).length > 0)
    .toSorted((a, b) => compareDates(b.resource.created, a.resource.created));
  if (newest === undefined) return [];
  const [insurance] = objectsOf(newest.resource.insurance);
  const plan = set.nameOf(insurance?.coverage, newest);
  return objectsOf(newest.resource.benefitBalance).flatMap((item) =>
    rowsOf(newest, item, objectsOf(item.financial), { plan, basis: 'explanation of benefit' }),
  );
}

interface Whence {
  readonly plan: string | undefined;
  readonly basis: Basis;
}

/** One row a benefit; an item without any says what is excluded, or needs authorization. */
function rowsOf(
  record: MemberRecord,
  item: JsonObject,
  benefits: readonly JsonObject[],
  { plan, basis }: Whence,
): JsonObject[] {
  const { category, productOrService, network, unit, term, excluded } = item;
  const serviceType = conceptText(productOrService) ?? conceptText(category);
  const about = {
    serviceType,
    network: conceptText(network),
    unit: conceptText(unit),
    term: conceptText(term),
    excluded: excluded === true ? true : undefined,
    authorizationRequired: item.authorizationRequired === true ? true : undefined,
    note: stringOf(item.description) ?? stringOf(item.name),
    plan,
    ...namesOfCheck(record.resource),
    basis,
  };
  const rows: readonly JsonObject[] = benefits.length > 0 ? benefits : [{}];
  return rows.map((benefit) => {
    const kind = kindOf(benefit.type, 'other');
    const named = kind === 'other' || kind === 'limit' ? conceptText(benefit.type) : undefined;
    const parts = [named ?? TITLES[kind], about.unit, about.network, serviceType];
    return factOf(record, {
      title: parts.filter(isGiven).join(', '),
      date: dateOf(record.resource.created),
      details: { kind, ...amountsOf(kind, benefit, conceptText(term)), ...about },
      codes: codesOf(benefit.type, category, productOrService),
    });
  });
}

/** FHIR R4 knows no remaining amount: extensions and the term "remaining" (X12 EB06 29) state it. */
function amountsOf(kind: Kind, benefit: JsonObject, term: string | undefined) {
  const allowed = moneyOf(benefit.allowedMoney);
  const used = moneyOf(benefit.usedMoney);
  const stated = objectsOf(benefit.extension)
    .filter(({ url }) => /remaining/i.test(stringOf(url) ?? ''))
    .map(remainingText)
    .find(isGiven);
  const total = shown(allowed?.value, allowed?.currency ?? '') ?? plain(benefit, 'allowed', kind);
  if (kind === 'copay' || kind === 'coinsurance') return { value: total };
  if (/^(29|remaining)$/i.test(term ?? '')) {
    return { remaining: total, remainingIs: total === undefined ? undefined : 'stated' };
  }
  const left = leftOf(benefit, allowed, used);
  return {
    total,
    used: shown(used?.value, used?.currency ?? '') ?? plain(benefit, 'used', kind),
    remaining: stated ?? left,
    remainingIs: stated === undefined ? left && 'derived' : 'stated',
  };
}

function remainingText({ valueMoney, valueUnsignedInt }: JsonObject): string | undefined {
  const money = moneyOf(valueMoney);
  if (money !== undefined) return shown(money.value, money.currency);
  return typeof valueUnsignedInt === 'number' ? String(valueUnsignedInt) : undefined;
}

function leftOf(
  { allowedUnsignedInt: total, usedUnsignedInt: gone }: JsonObject,
  allowed: ReturnType<typeof moneyOf>,
  used: ReturnType<typeof moneyOf>,
): string | undefined {
  if (allowed !== undefined && used !== undefined && allowed.currency === used.currency) {
    return shown(Math.max(0, sumOf([allowed.value, -used.value])), allowed.currency);
  }
  if (typeof total !== 'number' || typeof gone !== 'number') return undefined;
  return String(Math.max(0, total - gone));
}

/** Counts (visits, days, percent of a coinsurance) and words. */
function plain(benefit: JsonObject, which: 'allowed' | 'used', kind: Kind): string | undefined {
  const count = benefit[`${which}UnsignedInt`];
  if (typeof count === 'number') return kind === 'coinsurance' ? `${count} %` : String(count);
  return stringOf(benefit[`${which}String`]);
}

/** FHIR R4 Coverage.costToBeneficiary. */
function recorded(set: RecordSet): JsonObject[] {
  return set.of('Coverage').flatMap((record) =>
    objectsOf(record.resource.costToBeneficiary).map(({ type, valueMoney, valueQuantity }) => {
      const kind = kindOf(type, 'copay');
      const money = moneyOf(valueMoney);
      const value = shown(money?.value, money?.currency ?? '') ?? quantityText(valueQuantity);
      const service = kind === 'copay' ? conceptText(type) : undefined;
      const counted = kind === 'copay' || kind === 'coinsurance';
      return factOf(record, {
        title: [TITLES[kind], service].filter(isGiven).join(', '),
        status: stringOf(record.resource.status),
        details: {
          kind,
          ...(counted ? { value } : { total: value }),
          serviceType: service,
          network: stringOf(record.resource.network),
          plan: set.nameOf({ reference: record.key }, record),
          basis: 'coverage record',
        },
        codes: codesOf(type),
      });
    }),
  );
}

/** Benefits that are one and the same by everything that names them, with other amounts. */
export function benefitContradictions(benefits: readonly JsonObject[]): JsonObject[] {
  const groups = Map.groupBy(benefits, nameOf);
  return [...groups.values()].flatMap((group) => {
    const different = new Map(group.map((one) => [saidOf(one), one]));
    if (different.size < 2) return [];
    const says = [...different].map(([said, benefit]) => saying(said, benefit));
    return [{ about: String(group[0]?.title), says }];
  });
}

function saidOf({ value, total, used, remaining }: JsonObject): string {
  const parts = Object.entries({ value, total, used, remaining });
  return parts.flatMap(([name, one]) => (one === undefined ? [] : [`${name} ${one}`])).join(', ');
}

function saying(title: string, { date, uri, source, asOf }: JsonObject): JsonObject {
  return { ...compact({ title, date, uri, source }), asOf: asOf ?? null };
}
