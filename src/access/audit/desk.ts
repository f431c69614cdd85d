import type { AccessReview, DisclosurePage, ExportedRow } from '../../contract/audit/reports.ts';
import type { AuditRow } from '../../contract/audit/row.ts';
import type { AuditTrail } from './audit.ts';
import { linesOf, type RightsOf, SAYS } from './disclosures.ts';
import { type AuditEvent, eventsOf } from './fhir.ts';
import { leafOf } from './hashes.ts';
import type { AuditProof } from './proof.ts';
import { membersOf } from './record.ts';
import { Review } from './review.ts';
import type { RowPlace } from './rows.ts';
import type { TrailRow } from './trail-row.ts';

/** Milliseconds since the epoch; the end is not included. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** What is given out of the trail, for one tenant alone; who may ask is decided before. */
export interface AuditDesk {
  verify(): Promise<AuditProof>;
  /** A page of who saw a member; the rows of this tenant alone. */
  disclosures(tenant: string, member: string, page: DisclosureQuery): Promise<DisclosurePage>;
  review(tenant: string, period: Period): Promise<AccessReview>;
  /** Oldest first, as they are read: never all of them in memory. */
  events(tenant: string, period: Period, member?: string): AsyncIterable<AuditEvent>;
  /** All rows of all generations in order; other tenants' rows are hashes alone. */
  rows(tenant: string): AsyncIterable<ExportedRow>;
  /** Signed checkpoints, of here and of the witness, one note each. */
  checkpoints(): Promise<readonly string[]>;
}

export interface DisclosureQuery extends Period {
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: RowPlace;
}

export interface DeskParts {
  readonly audit: Pick<AuditTrail, 'verify' | 'ofMember' | 'inRange' | 'rowsFrom' | 'complete'> &
    Pick<AuditTrail, 'generations' | 'notes' | 'rightsOf'>;
  /** The tenant of a member; `undefined` where nobody knows of one any more. */
  readonly tenantOf: (member: string) => string | undefined;
}

const PAGE = 500;

export function createAuditDesk({ audit, tenantOf }: DeskParts): AuditDesk {
  const own = (tenant: string, kept: TrailRow): TrailRow | undefined => {
    const row = shown(tenant, kept.row, tenantOf);
    return row && { ...kept, row };
  };
  return {
    verify: () => audit.verify(),
    async disclosures(tenant, member, { from, to, limit, cursor }) {
      const query = { member, from, to, limit, ...(cursor && { before: cursor }) };
      const kept = await audit.ofMember(query);
      const rights: RightsOf = await audit.rightsOf(member);
      const rows = kept.flatMap((one) => own(tenant, one) ?? []);
      const lines = rows.map((one) => ({ one, entries: linesOf(member, one, rights) }));
      const last = kept.length < limit ? undefined : kept.at(-1);
      return {
        ...{ member, from: new Date(from).toISOString(), to: new Date(to).toISOString() },
        entries: lines.flatMap(({ entries }) => entries),
        others: countsOf(lines.filter(({ entries }) => entries.length === 0).map(({ one }) => one)),
        ...(last && { next: `${last.at}.${last.generation}.${last.index}` }),
        ...{ completeUpTo: await audit.complete(), says: SAYS },
      };
    },
    async review(tenant, period) {
      const review = new Review();
      for await (const kept of inPeriod(audit, period)) {
        const row = own(tenant, kept);
        if (row !== undefined) review.take(row);
      }
      return {
        ...{ from: new Date(period.from).toISOString(), to: new Date(period.to).toISOString() },
        ...{ ...review.result(), completeUpTo: await audit.complete(), says: REVIEW_SAYS },
      };
    },
    async *events(tenant, period, member) {
      for await (const kept of inPeriod(audit, period)) {
        const found = own(tenant, kept);
        if (found === undefined) continue;
        if (member !== undefined && !membersOf(found.row).includes(member)) continue;
        yield* eventsOf(found);
      }
    },
    async *rows(tenant) {
      for (const { id } of await audit.generations()) yield* exported(audit, id, tenant, tenantOf);
    },
    checkpoints: () => audit.notes(),
  };
}

const REVIEW_SAYS: AccessReview['says'] = [
  'One line for each person, agent and client together; rows of this tenant alone.',
  'Outliers are far from the median of the lines, by the median of the distances (3.5); with fewer than five lines nothing is usual.',
];

async function* inPeriod(
  audit: DeskParts['audit'],
  { from, to }: Period,
): AsyncGenerator<TrailRow> {
  for (let after: RowPlace | undefined; ; ) {
    const page = await audit.inRange({ from, to, limit: PAGE, ...(after && { after }) });
    yield* page;
    after = page.at(-1);
    if (after === undefined || page.length < PAGE) return;
  }
}

async function* exported(
  audit: DeskParts['audit'],
  generation: string,
  tenant: string,
  tenantOf: DeskParts['tenantOf'],
): AsyncGenerator<ExportedRow> {
  for (let next = 1; ; ) {
    const page = await audit.rowsFrom(generation, next, PAGE);
    for (const { index, instance, body, row } of page) {
      const place = { generation, instance, index };
      // Only whole rows: of one that is shown in part the hash must do.
      const whole = shown(tenant, row, tenantOf) === row;
      const leaf = () => Buffer.from(leafOf({ generation, index, body })).toString('base64');
      yield whole ? { ...place, body } : { ...place, leaf: leaf() };
    }
    next = (page.at(-1)?.index ?? next) + 1;
    if (page.length < PAGE) return;
  }
}

/**
 * What a tenant may see of a row: all of its own and of the trail's; of another tenant's attempts
 * only what was about its own members.
 */
function shown(
  tenant: string,
  row: AuditRow,
  tenantOf: DeskParts['tenantOf'],
): AuditRow | undefined {
  const tenants = new Set([row.who, ...(row.to ?? [])].flatMap((who) => who?.tenant ?? []));
  if (tenants.size === 0 || (tenants.size === 1 && tenants.has(tenant))) return row;
  const what = row.what.filter((one) =>
    membersOf({ what: [one] }).some((member) => tenantOf(member) === tenant),
  );
  const to = row.to?.filter((who) => who.tenant === tenant);
  if (what.length === 0 || (to !== undefined && to.length === 0)) return undefined;
  return { ...row, what, ...(to && { to: to.map(({ told: _, ...who }) => who) }) };
}

function countsOf(rows: readonly TrailRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { row } of rows) {
    const name = `${row.action} ${row.outcome}`;
    counts[name] = (counts[name] ?? 0) + (row.count ?? 1);
  }
  return counts;
}
