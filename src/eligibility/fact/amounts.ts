import { given } from '../given.ts';
import type { Benefit } from '../model.ts';

/** One benefit about one service type. */
export interface Line extends Omit<Benefit, 'serviceTypes'> {
  readonly service: string | undefined;
}

/** What belongs together: how much there is, how much of it is gone, how much is left. */
export interface Accumulated {
  /** Whose elements name it. */
  readonly line: Line;
  readonly total?: string;
  readonly used?: string;
  readonly left?: string;
}

/** EB06 of amounts that fill up together: `24` year to date, `29` remaining, `33` of a lifetime. */
const FAMILY: Readonly<Record<string, string>> = {
  '21': 'year',
  '22': 'year',
  '23': 'year',
  '24': 'year',
  '25': 'year',
  '29': 'year',
  '32': 'lifetime',
  '33': 'lifetime',
};
const PART: Readonly<Record<string, 'used' | 'left'>> = {
  '24': 'used',
  '29': 'left',
  '33': 'left',
};

/**
 * Joins total, used and remaining of the same deductible, maximum or limit. Where a payer says one
 * of them twice and differently, nothing is joined: each stays as it was said.
 */
export function accumulated(lines: readonly Line[], saidIn: (line: Line) => string | undefined) {
  const groups = Map.groupBy(lines, nameOf);
  return [...groups.values()].flatMap((group): Accumulated[] => {
    const parts = { total: new Set<string>(), used: new Set<string>(), left: new Set<string>() };
    for (const line of group) parts[partOf(line)].add(saidIn(line) ?? '');
    const isOne = Object.values(parts).every((said) => said.size < 2);
    const [named] = group.toSorted(
      (a, b) => Number(partOf(a) !== 'total') - Number(partOf(b) !== 'total'),
    );
    if (!isOne || named === undefined) {
      return group.map((line) => ({ line, ...given({ [partOf(line)]: saidIn(line) }) }));
    }
    const [total] = parts.total;
    const [used] = parts.used;
    const [left] = parts.left;
    return [{ line: named, ...given({ total: total || undefined, used, left }) }];
  });
}

function partOf({ period = '' }: Line): 'total' | 'used' | 'left' {
  return PART[period] ?? 'total';
}

/** Everything that tells one benefit from another. */
function nameOf(line: Line): string {
  const { code, service, level, network, planName, procedure, period = '', quantityKind } = line;
  return JSON.stringify([
    ...[code, service, level, network, planName, procedure, quantityKind],
    ...[FAMILY[period] ?? period, line.messages, line.places],
  ]);
}
