import type { ImportedEntry, ImportReceipt } from '../../sdk/index.ts';
import type { Group } from './lines.ts';

/** The receipt of a file whose groups of lines were sent one after the other. */
export function addReceipt(
  before: ImportReceipt | undefined,
  more: ImportReceipt,
  { linesBefore }: Pick<Group, 'linesBefore'>,
): ImportReceipt {
  const entries = more.entries.map((entry) => ofFile(entry, linesBefore));
  if (before === undefined) return { ...more, entries };
  const ignored = { ...before.ignored };
  for (const [type, count] of Object.entries(more.ignored)) {
    ignored[type] = (ignored[type] ?? 0) + count;
  }
  // A record of an earlier group that this one let in waits no longer.
  return {
    ...more,
    accepted: before.accepted + more.accepted,
    unchanged: before.unchanged + more.unchanged,
    stale: before.stale + more.stale,
    waiting: before.waiting + more.waiting,
    resumed: before.resumed + more.resumed,
    refused: before.refused + more.refused,
    entries: [...before.entries, ...entries],
    members: [...before.members, ...more.members],
    ignored,
  };
}

function ofFile(entry: ImportedEntry, linesBefore: number): ImportedEntry {
  return entry.line === undefined ? entry : { ...entry, line: entry.line + linesBefore };
}

export interface Totals {
  readonly accepted: number;
  readonly unchanged: number;
  readonly stale: number;
  readonly waiting: number;
  readonly resumed: number;
  readonly refused: number;
  readonly ignored: ReadonlyMap<string, number>;
  readonly members: ReadonlyMap<string, string>;
}

export function totalsOf(receipts: readonly ImportReceipt[]): Totals {
  const sum = (
    key: 'accepted' | 'unchanged' | 'stale' | 'waiting' | 'resumed' | 'refused',
  ): number => receipts.reduce((total, receipt) => total + receipt[key], 0);
  const ignored = new Map<string, number>();
  for (const [type, count] of receipts.flatMap((receipt) => Object.entries(receipt.ignored))) {
    ignored.set(type, (ignored.get(type) ?? 0) + count);
  }
  return {
    accepted: sum('accepted'),
    unchanged: sum('unchanged'),
    stale: sum('stale'),
    waiting: sum('waiting'),
    resumed: sum('resumed'),
    refused: sum('refused'),
    ignored,
    members: new Map(
      receipts.flatMap(({ members }) => members.map(({ member, patient }) => [member, patient])),
    ),
  };
}
