import type { AccessReview, AccessReviewLine } from '../../contract/audit/reports.ts';
import type { RowAgent } from '../../contract/audit/row.ts';
import { Fault } from '../../kernel/errors.ts';
import { rightIn, SHOWING } from './disclosures.ts';
import { membersOf } from './record.ts';
import type { TrailRow } from './trail-row.ts';

/** Pairs of person and member that one review holds in memory. */
const PAIRS_MAX = 2_000_000;
/** Fewer lines than this have no usual. */
const LINES_MIN = 5;
/** Median absolute deviations from the median (Iglewicz and Hoaglin: 3.5 of the modified z-score). */
const DEVIATIONS_MAX = 3.5;

interface Tally {
  readonly who: RowAgent;
  readonly members: Set<string>;
  disclosures: number;
  denied: number;
  readonly rights: Map<string, number>;
  readonly purposes: Map<string, number>;
  readonly first: string;
  last: string;
}

/** Who saw how many members, by which right, and who stands out; row by row, for one tenant. */
export class Review {
  readonly #tallies = new Map<string, Tally>();
  #pairs = 0;
  #failed = 0;
  #rows = 0;

  /** @throws Fault INVALID_ARGUMENT where the time holds more than one review can */
  take({ row }: TrailRow): void {
    this.#rows += 1;
    if (row.action === 'authentication') this.#failed += row.count ?? 1;
    for (const who of row.to ?? (row.who === undefined ? [] : [row.who])) {
      const tally = this.#tally(who, row.at);
      tally.last = row.at;
      if (row.outcome === 'denied') tally.denied += row.count ?? 1;
      if (row.outcome !== 'success' || !SHOWING.has(row.action)) continue;
      const told = 'told' in who ? who.told : undefined;
      const shown = told === undefined ? row.what : told.flatMap((place) => row.what[place] ?? []);
      const members = membersOf({ what: shown });
      if (members.length === 0) continue;
      tally.disclosures += 1;
      add(tally.rights, rightIn(row));
      if (who.purpose !== undefined) add(tally.purposes, who.purpose);
      for (const member of members) this.#pair(tally, member);
    }
  }

  result(): Pick<AccessReview, 'lines' | 'failedAuthentications' | 'rows'> {
    const tallies = [...this.#tallies.values()];
    const usual = (count: (tally: Tally) => number) => outlying(tallies.map(count));
    const isMany = usual(({ members }) => members.size);
    const isDenied = usual(({ denied }) => denied);
    const lines = tallies.map((tally) => lineOf(tally, isMany, isDenied));
    const sorted = lines.toSorted((a, b) => b.members - a.members || b.disclosures - a.disclosures);
    return { lines: sorted, failedAuthentications: this.#failed, rows: this.#rows };
  }

  #tally(who: RowAgent, at: string): Tally {
    const key = JSON.stringify([who.issuer, who.kind, who.subject, who.actor, who.client]);
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    const tally: Tally = {
      ...{ who, members: new Set<string>(), disclosures: 0, denied: 0 },
      ...{ rights: new Map<string, number>(), purposes: new Map<string, number>() },
      ...{ first: at, last: at },
    };
    this.#tallies.set(key, tally);
    return tally;
  }

  #pair({ members }: Tally, member: string): void {
    if (members.has(member)) return;
    this.#pairs += 1;
    if (this.#pairs > PAIRS_MAX) {
      throw new Fault('INVALID_ARGUMENT', {
        detail: 'That time holds more than one review can: ask for a shorter one.',
      });
    }
    members.add(member);
  }
}

function lineOf(
  tally: Tally,
  isMany: (count: number) => boolean,
  isDenied: (count: number) => boolean,
): AccessReviewLine {
  const { who, members, disclosures, denied, first, last } = tally;
  const outlier = [
    ...(isMany(members.size) ? ['saw far more members than others'] : []),
    ...(isDenied(denied) ? ['was refused far more often than others'] : []),
    ...(tally.purposes.has('BTG') ? ['broke the glass'] : []),
    ...(who.kind === 'agent' ? ['an agent without a person'] : []),
  ];
  return {
    who: `${who.kind}:${who.subject}`,
    ...(who.actor !== undefined && { by: `agent:${who.actor}` }),
    ...{ client: who.client, members: members.size, disclosures, denied },
    rights: Object.fromEntries(tally.rights),
    purposes: Object.fromEntries(tally.purposes),
    ...{ first, last, outlier },
  };
}

/** Far above the median, by the median of the distances from it; where all are alike, by ten. */
function outlying(counts: readonly number[]): (count: number) => boolean {
  if (counts.length < LINES_MIN) return () => false;
  const middle = median(counts);
  const spread = median(counts.map((count) => Math.abs(count - middle)));
  return (count) =>
    spread === 0 ? count > middle + 10 : (0.6745 * (count - middle)) / spread > DEVIATIONS_MAX;
}

function median(counts: readonly number[]): number {
  const sorted = counts.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
