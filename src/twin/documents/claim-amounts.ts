/**
 * What an explanation of benefit says of money, each measure read wherever its source puts it:
 * `total`, the header's adjudication, the items' adjudication, `payment` (FHIR R4
 * ExplanationOfBenefit; CARIN Blue Button 2.0.0 codes; BlueButton's line variables in Synthea).
 */

import type { JsonObject } from '../../kernel/json.ts';
import { type Element, isGiven, objectOf, objectsOf, stringOf } from '../fhir/elements.ts';
import { moneyOf, same, sumOf } from './money.ts';

/** Adjudication codes by measure; of BlueButton's URLs the last part. */
const CODES = {
  billed: ['submitted', 'line_sbmtd_chrg_amt'],
  allowed: ['eligible', 'line_alowd_chrg_amt'],
  payable: ['benefit'],
  paid: ['paidtoprovider', 'paidtopatient', 'line_prvdr_pmt_amt'],
  deductible: ['deductible', 'line_bene_ptb_ddctbl_amt'],
  copay: ['copay'],
  coinsurance: ['coinsurance', 'line_coinsrnc_amt'],
  notCovered: ['noncovered'],
  liability: ['memberliability'],
  paidByPatient: ['paidbypatient'],
} as const;

type Measure = keyof typeof CODES;
const PORTIONS = ['deductible', 'copay', 'coinsurance', 'notCovered'] as const;

/** One value and where in the record it stands. */
export interface Statement {
  readonly value: number;
  readonly where: string;
}

/** Two statements of one record that cannot both be right. */
export interface Disagreement {
  readonly about: string;
  readonly statements: readonly Statement[];
}

export type ClaimAmounts = { readonly [M in Exclude<Measure, 'liability'>]?: number } & {
  readonly currency: string;
  /** The patient's share: stated as liability, else the sum of its parts. */
  readonly portion?: number;
  /** The share less what the record shows as paid by the patient. */
  readonly owed?: number;
  readonly disagreements: readonly Disagreement[];
};

/** Several documents and both variants ask for the same explanation. */
const READ = new WeakMap<JsonObject, ClaimAmounts>();

export function claimAmounts(resource: JsonObject): ClaimAmounts {
  const amounts = READ.get(resource) ?? amountsIn(resource);
  READ.set(resource, amounts);
  return amounts;
}

function amountsIn(resource: JsonObject): ClaimAmounts {
  const currency = currencyOf(resource);
  const stated = new Map<Measure, readonly Statement[]>();
  const value = (measure: Measure): number | undefined => stated.get(measure)?.[0]?.value;
  for (const measure of Object.keys(CODES) as Measure[]) {
    stated.set(measure, statementsOf(resource, measure, currency));
  }
  const parts = PORTIONS.map(value).filter(isGiven);
  const sum = parts.length === 0 ? undefined : sumOf(parts);
  const portion = value('liability') ?? sum;
  const paidByPatient = value('paidByPatient');
  const measures = (Object.keys(CODES) as Measure[]).filter((measure) => measure !== 'liability');
  const amounts = Object.fromEntries(
    measures.flatMap((measure) =>
      value(measure) === undefined ? [] : [[measure, value(measure)]],
    ),
  ) as Omit<ClaimAmounts, 'currency' | 'disagreements'>;
  return {
    ...amounts,
    currency,
    ...(portion !== undefined && { portion, owed: sumOf([portion, -(paidByPatient ?? 0)]) }),
    disagreements: [
      ...disagreementsIn(stated),
      ...differing('paid and payable', [
        { value: value('payable'), where: 'benefit payable' },
        { value: value('paid'), where: 'paid' },
      ]),
      ...differing('patient portion', [
        { value: value('liability'), where: 'member liability' },
        { value: sum, where: 'deductible, copay, coinsurance and not covered together' },
      ]),
    ],
  };
}

/** What each place says, the most summary one first; places that say nothing are left out. */
function statementsOf(resource: JsonObject, measure: Measure, currency: string): Statement[] {
  const inside = (list: Element) => inList(list, measure, currency);
  const items = objectsOf(resource.item).map(({ adjudication }) => inside(adjudication));
  const given = items.filter(isGiven);
  const whole = given.length === items.length ? 'items together' : SOME_ITEMS;
  const payment = moneyOf(objectOf(resource.payment).amount)?.value;
  const places: [string, number | undefined][] = [
    ['payment', measure === 'paid' ? payment : undefined],
    ['total', inside(resource.total)],
    ['adjudication', inside(resource.adjudication)],
    [whole, given.length === 0 ? undefined : sumOf(given)],
  ];
  return places.flatMap(([where, value]) => (value === undefined ? [] : [{ value, where }]));
}

/** Items that say nothing of a measure may have it all the same, so their sum proves nothing. */
const SOME_ITEMS = 'some items';

function inList(list: Element, measure: Measure, currency: string): number | undefined {
  const codes: readonly string[] = CODES[measure];
  const values = objectsOf(list).flatMap(({ category, amount }) => {
    const own = objectsOf(objectOf(category).coding).map(({ code }) => shortCode(code));
    const money = own.some((code) => codes.includes(code)) ? moneyOf(amount) : undefined;
    return money?.currency === currency ? [money.value] : [];
  });
  return values.length === 0 ? undefined : sumOf(values);
}

function shortCode(code: Element): string {
  const text = stringOf(code) ?? '';
  return text.slice(text.lastIndexOf('/') + 1);
}

function disagreementsIn(stated: ReadonlyMap<Measure, readonly Statement[]>): Disagreement[] {
  return [...stated].flatMap(([measure, statements]) =>
    differing(NAMES[measure], statements.filter(provesSomething)),
  );
}

/** Some items alone cannot come to more than the whole; that they come to less says nothing. */
function provesSomething(statement: Statement, _: number, all: readonly Statement[]): boolean {
  const [first] = all;
  return statement.where !== SOME_ITEMS || (first !== undefined && statement.value > first.value);
}

const NAMES: Readonly<Record<Measure, string>> = {
  billed: 'billed amount',
  allowed: 'allowed amount',
  payable: 'benefit payable',
  paid: 'paid amount',
  deductible: 'deductible',
  copay: 'copay',
  coinsurance: 'coinsurance',
  notCovered: 'not covered',
  liability: 'member liability',
  paidByPatient: 'paid by the patient',
};

/** The statements, where they are two or more and not all the same. */
function differing(
  about: string,
  given: readonly { readonly value: number | undefined; readonly where: string }[],
): Disagreement[] {
  const statements = given.flatMap(({ value, where }) =>
    value === undefined ? [] : [{ value, where }],
  );
  const [first] = statements;
  if (first === undefined || statements.every(({ value }) => same(value, first.value))) return [];
  return [{ about, statements }];
}

/** Of the first amount; what is said in another currency is not mixed in. */
function currencyOf(resource: JsonObject): string {
  const { total, payment, item } = resource;
  const amounts = [
    ...objectsOf(total).map(({ amount }) => amount),
    objectOf(payment).amount,
    ...objectsOf(item)
      .flatMap(({ adjudication }) => objectsOf(adjudication))
      .map((a) => a.amount),
  ];
  return amounts.map((amount) => moneyOf(amount)?.currency).find(isGiven) ?? 'USD';
}
