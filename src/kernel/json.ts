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
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return canonicalArray(value);
  if (value instanceof CanonicalText) return value.text;
  const members = value as Record<string, unknown>;
  let text = '';
  // Added to one text: gathered in arrays first, the same takes twice as long.
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member === undefined) continue;
    text += `${text === '' ? '{' : ','}${keyText(key)}:${canonicalJson(member)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

function canonicalArray(values: readonly unknown[]): string {
  let text = '[';
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) text += ',';
    text += canonicalJson(values[index]);
  }
  return `${text}]`;
}

/** Names of elements are few and come again; whatever else is written there is not kept. */
const keyTexts = new Map<string, string>();
const KEYS_MAX = 2_000;

function keyText(key: string): string {
  const known = keyTexts.get(key);
  if (known !== undefined) return known;
  const text = JSON.stringify(key);
  if (keyTexts.size < KEYS_MAX && key.length < 64) keyTexts.set(key, text);
  return text;
}
