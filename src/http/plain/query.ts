import type { Request } from 'express';
import { Fault } from '../../kernel/errors.ts';

/**
 * The query of a request, every parameter known and given once: an unknown or repeated one is an
 * error, never a wider result (promise P10).
 */
export function queryOf<K extends string>(
  req: Request,
  known: readonly K[],
): Partial<Record<K, string>> {
  const query: Partial<Record<K, string>> = {};
  for (const [name, value] of Object.entries(req.query)) {
    const key = known.find((one) => one === name);
    if (key === undefined) throw unknown(known);
    if (typeof value !== 'string') throw wrong(name, 'given more than once');
    query[key] = value;
  }
  return query;
}

export function required<K extends string>(query: Partial<Record<K, string>>, name: K): string {
  const value = query[name];
  if (value === undefined || value === '') throw wrong(name, 'missing');
  return value;
}

/** A whole number within bounds, or `undefined` where the parameter is absent. */
export function integerOf(
  name: string,
  value: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d{1,9}$/.test(value) || number < min || number > max) {
    throw wrong(name, `must be a whole number from ${min} to ${max}`);
  }
  return number;
}

/** @param name one of ours: what a client made up is not repeated (promise P9). */
export function wrong(name: string, why: string): Fault {
  return new Fault('INVALID_ARGUMENT', { detail: `Parameter ${name}: ${why}.` });
}

function unknown(known: readonly string[]): Fault {
  const those = known.length === 0 ? 'there is none' : `known are ${known.join(', ')}`;
  return new Fault('INVALID_ARGUMENT', { detail: `A parameter is unknown; ${those}.` });
}
