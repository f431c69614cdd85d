export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether arrays and objects nest deeper than `max`; walks level by level, whatever the depth. */
export function isDeeperThan(value: unknown, max: number): boolean {
  let level = [value].filter(nests);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > max) return true;
    level = level.flatMap((one) => Object.values(one).filter(nests));
  }
  return false;
}

function nests(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Stands in a value for what is in canonical form already. */
export class CanonicalText {
  readonly text: string;

  constructor(value: unknown) {
    this.text = canonicalJson(value);
  }
}

/**
 * Canonical JSON after RFC 8785: keys in UTF-16 order, no white space, `undefined` members left
 * out. Equal values give equal text, on every instance.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((v) => canonicalJson(v ?? null)).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value ?? null);
  if (value instanceof CanonicalText) return value.text;
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(',')}}`;
}
