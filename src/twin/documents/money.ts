import { type Element, moneyText, objectOf, stringOf } from '../fhir/elements.ts';

export interface Money {
  readonly value: number;
  /** ISO 4217; sources that leave it out mean the plan's own, USD here. */
  readonly currency: string;
}

/** Amounts are summed as whole ten-thousandths, so that the order of a sum never shows. */
const PER_UNIT = 10_000;
/** Beyond this an amount is no amount; it keeps sums within what a double holds exactly. */
const VALUE_MAX = 100_000_000;
/** Amounts that differ by less say the same. */
const SAME_WITHIN = 0.005;

/** The amount of a FHIR Money; undefined where it is none that a claim can have. */
export function moneyOf(element: Element): Money | undefined {
  const { value, currency } = objectOf(element);
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  if (Math.abs(value) > VALUE_MAX) return undefined;
  return { value, currency: stringOf(currency) ?? 'USD' };
}

export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + Math.round(value * PER_UNIT), 0) / PER_UNIT;
}

export function same(a: number, b: number): boolean {
  return Math.abs(a - b) < SAME_WITHIN;
}

/** `12.50 USD`; undefined stays undefined. */
export function shown(value: number | undefined, currency: string): string | undefined {
  return value === undefined ? undefined : moneyText({ value, currency });
}
