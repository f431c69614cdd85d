import type { IndexRow } from '../../ports.ts';
import { dayOf, said, textAt } from './answer.ts';
import { listed } from './tell.ts';

/** Earlier values told after the latest one; a trend tells more. */
const BEFORE_MAX = 3;
const TREND_MAX = 8;
const STEADY_SHARE = 0.02;

/**
 * Measurements of one kind, newest first, in one line: "6.36 % on 2026-07-05 (before: 6.1 % on
 * 2025-06-29; rising)".
 */
export function tellSeries(rows: readonly IndexRow[], ask: 'latest' | 'first' | 'trend'): string {
  const own = ask === 'first' ? rows.toReversed() : rows;
  const [one, ...others] = own;
  if (one === undefined) return 'none';
  const latest = valueOn(one);
  const about = listed([textAt(one.data, 'interpretation'), reference(one)]);
  const before = others.slice(0, ask === 'trend' ? TREND_MAX : BEFORE_MAX).map(valueOn);
  const word = ask === 'first' ? 'after' : 'before';
  const rest = others.length - before.length;
  const more = rest > 0 ? `${rest} more` : '';
  const direction = trendOf(rows, ask === 'trend' ? rows.length - 1 : 1);
  const story = [said(`${word}: `, before.length > 0 ? before.join('; ') : undefined)];
  const told = [...story, more, direction ?? ''].filter((text) => text !== '').join('; ');
  return `${latest}${about === '' ? '' : `, ${about}`}${told === '' ? '' : ` (${told})`}`;
}

function valueOn(row: IndexRow): string {
  return `${rounded(textAt(row.data, 'value') ?? 'no value')} on ${dayOf(row)}`;
}

/** Numbers of more than two decimals as people say them; small ones keep what they are. */
function rounded(text: string): string {
  return text.replace(/\b[1-9]\d*\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))));
}

function reference({ data }: IndexRow): string {
  return said('reference ', textAt(data, 'reference'));
}

/** From the value `back` before to the latest; undefined where they cannot be compared. */
function trendOf(rows: readonly IndexRow[], back: number): string | undefined {
  const [now, then] = [numberOf(rows[0]), numberOf(rows[back])];
  if (back < 1 || now === undefined || then === undefined || now.unit !== then.unit) return;
  const change = now.value - then.value;
  if (Math.abs(change) <= Math.abs(then.value) * STEADY_SHARE) return 'steady';
  return change > 0 ? 'rising' : 'falling';
}

function numberOf(row: IndexRow | undefined): { value: number; unit: string } | undefined {
  const match = /^[<>]?=?(-?\d+(?:\.\d+)?)(?:\/\d\S*)?(.*)$/.exec(
    textAt(row?.data ?? {}, 'value') ?? '',
  );
  return match === null ? undefined : { value: Number(match[1]), unit: match[2]?.trim() ?? '' };
}
