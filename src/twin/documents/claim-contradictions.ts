import type { JsonObject } from '../../kernel/json.ts';
import { objectOf, stringOf } from '../fhir/elements.ts';
import { claimAmounts } from './claim-amounts.ts';
import { contradiction, type Saying } from './contradictions.ts';
import { compareDates } from './fact.ts';
import { moneyOf, same, shown } from './money.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import { byClaim, claimDate } from './totals.ts';

/** Where money is said in two ways, newest first: inside an explanation, and against its claim. */
export function claimContradictions(
  set: RecordSet,
  explanations: readonly MemberRecord[],
): JsonObject[] {
  const claims = new Map(set.of('Claim').map((record) => [record.key, record]));
  return explanations
    .toSorted((a, b) => compareDates(claimDate(b), claimDate(a)))
    .flatMap((record) => [...inside(record), ...againstClaim(record, claims)])
    .concat(severalOfOneClaim(explanations));
}

function inside(record: MemberRecord): JsonObject[] {
  const { disagreements, currency } = claimAmounts(record.resource);
  return disagreements.map(({ about, statements }) =>
    contradiction(
      about,
      statements.map(({ value, where }) => said(record, value, currency, where)),
    ),
  );
}

function againstClaim(
  record: MemberRecord,
  claims: ReadonlyMap<string, MemberRecord>,
): JsonObject[] {
  const claim = claims.get(stringOf(objectOf(record.resource.claim).reference) ?? '');
  const total = moneyOf(claim?.resource.total);
  const { billed, currency } = claimAmounts(record.resource);
  if (claim === undefined || total === undefined || billed === undefined) return [];
  if (total.currency === currency && same(total.value, billed)) return [];
  return [
    contradiction('billed amount of a claim and its explanation', [
      said(claim, total.value, total.currency, 'claim'),
      said(record, billed, currency, 'explanation of benefit'),
    ]),
  ];
}

function severalOfOneClaim(explanations: readonly MemberRecord[]): JsonObject[] {
  const active = explanations.filter(({ resource }) => resource.status === 'active');
  return [...byClaim(active).values()]
    .filter((group) => group.length > 1)
    .map((group) =>
      contradiction(
        'several explanations of one claim; totals hold the newest',
        group.map((record) => {
          const { paid, payable, currency } = claimAmounts(record.resource);
          return said(record, paid ?? payable ?? 0, currency, 'paid');
        }),
      ),
    );
}

function said(record: MemberRecord, value: number, currency: string, where: string): Saying {
  return { record, says: `${shown(value, currency)} (${where})`, date: claimDate(record) };
}
