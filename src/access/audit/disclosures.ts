import type { DisclosureEntry, DisclosurePage } from '../../contract/audit/reports.ts';
import type { AuditRow, RowAgent } from '../../contract/audit/row.ts';
import type { TrailRow } from './trail-row.ts';

/** Actions that show something of a record when they succeed. */
export const SHOWING: ReadonlySet<string> = new Set([
  ...['read', 'list', 'search', 'find', 'chat', 'changes', 'notify', 'subscribe', 'session'],
  ...['dead-letter', 'import', 'audit', 'break-glass', 'eligibility'],
]);

export const SAYS: DisclosurePage['says'] = [
  'Every row of the audit that shows something of this member, to whomever and for whatever purpose: disclosures to the member and for treatment, payment and operations are listed as well, which 45 CFR 164.528(a)(1) would let stand out.',
  'Rows that show nothing (attempts that were refused, changes of relations) are counted under others.',
  'The purpose is what the token stated; a token that states none leaves it empty.',
];

/** Whose relations were found for whom, by the member. */
export type RightsOf = (row: TrailRow, who: RowAgent) => readonly string[] | undefined;

/** The lines of one row: a delivery has one for each who was told. */
export function linesOf(
  member: string,
  kept: TrailRow,
  rightsOf: RightsOf = () => undefined,
): DisclosureEntry[] {
  const { row } = kept;
  if (row.outcome !== 'success' || !SHOWING.has(row.action)) return [];
  const receivers = row.to ?? (row.who === undefined ? [] : [row.who]);
  return receivers.flatMap((who) => {
    const told = 'told' in who ? who.told : undefined;
    const shown = told === undefined ? row.what : told.flatMap((place) => row.what[place] ?? []);
    const what = [...new Set(shown.flatMap(({ uri }) => partOf(member, uri)))];
    if (what.length === 0) return [];
    return [entryOf(kept, who, what, rightsOf(kept, who))];
  });
}

function entryOf(
  { row, generation, index }: TrailRow,
  who: RowAgent,
  what: readonly string[],
  relations: readonly string[] | undefined,
): DisclosureEntry {
  const by = who.actors ?? (who.actor === undefined ? [] : [who.actor]);
  const right = rightIn(row);
  return {
    ...{ when: row.at, who: `${who.kind}:${who.subject}` },
    ...(by.length > 0 && { by: by.map((agent) => `agent:${agent}`) }),
    ...{ client: who.client, action: row.action, what },
    ...(who.purpose !== undefined && { purpose: who.purpose }),
    ...(right !== '' && { right }),
    ...(relations !== undefined && { relations }),
    row: `${generation} ${index}`,
  };
}

/** The permission without the revision at which it was found, else our own sentence. */
export function rightIn({ why }: Pick<AuditRow, 'why'>): string {
  return why.replace(/^(\w+) at \S+$/, '$1');
}

function partOf(member: string, uri: string): string[] {
  if (uri === `member:${member}`) return ['the record'];
  const prefix = `mcp://twins/member/${member}/`;
  return uri.startsWith(prefix) ? [uri.slice(prefix.length)] : [];
}

/** A right is found a moment after what it explains. */
const AFTER_MS = 60_000;

/** The relations that were found last before a disclosure, or right after it. @param found newest first */
export function rightsFrom(found: readonly TrailRow[]): RightsOf {
  const byWhom = Map.groupBy(found, ({ row }) =>
    row.who === undefined ? '' : `${row.who.kind}:${row.who.subject} ${row.why}`,
  );
  return ({ row, at }, who) => {
    const [permission] = permissionsOf(row);
    const known = byWhom.get(`${who.kind}:${who.subject} ${permission ?? ''}`) ?? [];
    const fits = known.find((right) => right.at <= at + AFTER_MS);
    return fits?.row.what.slice(1).map(({ uri }) => uri);
  };
}

/** The permissions that show the first of what was shown. */
function permissionsOf({ what }: AuditRow): string[] {
  return what.flatMap(({ uri }) => {
    const [, section] = /^mcp:\/\/twins\/member\/[^/]+\/([a-z-]+)/.exec(uri) ?? [];
    return section === undefined ? [] : [`view_${section.replace('-', '_')}`];
  });
}
