import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { compact, dateOf, objectOf, objectsOf, stringOf } from '../fhir/elements.ts';
import { type ClaimAmounts, claimAmounts } from './claim-amounts.ts';
import { compareDates } from './fact.ts';
import { moneyOf, shown, sumOf } from './money.ts';
import type { MemberRecord } from './records.ts';

const text = z.string().optional();

/** What one year's explanations come to, in one currency; amounts as text with the currency. */
export const yearTotalsSchema = z.strictObject({
  year: z.string(),
  currency: z.string(),
  explanations: z.number().int(),
  billed: text,
  allowed: text,
  paid: text,
  patientPortion: text,
  paidByPatient: text,
  owed: text,
  /** Of how many explanations a sum does not hold the amount, because they do not state it. */
  notStated: text,
  /** Claims of the year without an explanation; not part of the sums above. */
  unansweredClaims: z.number().int().optional(),
  unansweredBilled: text,
});
export type YearTotals = JsonObject & z.infer<typeof yearTotalsSchema>;

/** Explanations that were withdrawn, or never were valid, are no money. */
const VOID = new Set(['cancelled', 'draft', 'entered-in-error']);

/** Valid explanations, one a claim: a later one of the same claim replaces the ones before. */
export function countedExplanations(explanations: readonly MemberRecord[]): MemberRecord[] {
  const valid = explanations.filter(({ resource }) => !VOID.has(stringOf(resource.status) ?? ''));
  return [...byClaim(valid).values()].flatMap(([newest]) => newest ?? []);
}

/** Explanations by the claim that they explain, newest first; by themselves where they name none. */
export function byClaim(explanations: readonly MemberRecord[]): Map<string, MemberRecord[]> {
  const newest = explanations.toSorted((a, b) =>
    compareDates(b.resource.created, a.resource.created),
  );
  return Map.groupBy(
    newest,
    ({ resource, key }) => stringOf(objectOf(resource.claim).reference) ?? key,
  );
}

/** When a claim's services began, else when it was made. */
export function claimDate({ resource }: MemberRecord): string | undefined {
  const [item] = objectsOf(resource.item);
  return (
    dateOf(objectOf(resource.billablePeriod).start) ??
    dateOf(item?.servicedDate) ??
    dateOf(objectOf(item?.servicedPeriod).start) ??
    dateOf(resource.created)
  );
}

const SUMMED = ['billed', 'allowed', 'paid', 'patientPortion', 'paidByPatient', 'owed'] as const;
const LABELS = {
  billed: 'billed',
  allowed: 'allowed',
  paid: 'paid',
  patientPortion: 'patient portion',
} as const;

type Amounts = Readonly<Record<(typeof SUMMED)[number], number | undefined>>;

interface Row {
  readonly year: string;
  readonly currency: string;
  readonly amounts?: Amounts;
  /** Of a claim without an explanation. */
  readonly unanswered?: number | undefined;
}

/** Newest year first. */
export function yearTotals(
  explanations: readonly MemberRecord[],
  unanswered: readonly MemberRecord[],
): YearTotals[] {
  const rows: Row[] = [
    ...explanations.map((record): Row => {
      const amounts = claimAmounts(record.resource);
      const { currency } = amounts;
      return { year: yearOf(record), currency, amounts: summed(amounts) };
    }),
    ...unanswered
      .filter(({ resource }) => !VOID.has(stringOf(resource.status) ?? ''))
      .map((record): Row => {
        const total = moneyOf(record.resource.total);
        const currency = total?.currency ?? 'USD';
        return { year: yearOf(record), currency, unanswered: total?.value };
      }),
  ];
  const groups = Map.groupBy(rows, ({ year, currency }) => `${year} ${currency}`);
  return [...groups].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, group]) => totalsOf(group));
}

function yearOf(record: MemberRecord): string {
  return claimDate(record)?.slice(0, 4) ?? 'not dated';
}

function summed(amounts: ClaimAmounts): Amounts {
  const { billed, allowed, paid, payable, portion, paidByPatient, owed } = amounts;
  return { billed, allowed, paid: paid ?? payable, patientPortion: portion, paidByPatient, owed };
}

function totalsOf(group: readonly Row[]): YearTotals {
  const [{ year, currency } = { year: '', currency: 'USD' }] = group;
  const explained = group.flatMap(({ amounts }) => amounts ?? []);
  const open = group.filter(({ amounts }) => amounts === undefined);
  const sums = Object.fromEntries(
    SUMMED.map((measure) => {
      const values = explained.flatMap((amounts) => amounts[measure] ?? []);
      return [measure, values.length === 0 ? undefined : shown(sumOf(values), currency)];
    }),
  );
  const billed = open.flatMap(({ unanswered }) => unanswered ?? []);
  return {
    year,
    currency,
    explanations: explained.length,
    ...compact({
      ...sums,
      notStated: notStated(explained),
      unansweredClaims: open.length === 0 ? undefined : open.length,
      unansweredBilled: billed.length === 0 ? undefined : shown(sumOf(billed), currency),
    }),
  };
}

function notStated(explained: readonly Amounts[]): string | undefined {
  const missing = Object.entries(LABELS).flatMap(([measure, label]) => {
    const count = explained.filter((one) => one[measure as keyof typeof LABELS] === undefined);
    return count.length === 0 ? [] : [`${label} in ${count.length}`];
  });
  return stringOf(missing.join(', '));
}
