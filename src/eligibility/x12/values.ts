import type { StatedDate } from '../model.ts';

/** X12 type R and JSON's strings of it: as sent, where it is a decimal of a sane length. */
export function decimalOf(text: string | undefined): string | undefined {
  const said = text?.trim() ?? '';
  return /^-?(\d{1,15}(\.\d{0,6})?|\.\d{1,6})$/.test(said) ? said : undefined;
}

/** An element that says something; bounded, since it is shown. */
export function textOf(text: string | undefined): string | undefined {
  const said = text?.trim() ?? '';
  return said === '' ? undefined : said.slice(0, TEXT_MAX);
}

const TEXT_MAX = 1000;

/** A code of an X12 list: letters and digits; payers send ones that no list has. */
export function codeOf(text: string | undefined): string | undefined {
  const said = text?.trim() ?? '';
  return /^[A-Za-z0-9]{1,10}$/.test(said) ? said : undefined;
}

/** `20260131` as `2026-01-31`; undefined where that is no day. */
export function isoDay(text: string | undefined): string | undefined {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(text?.trim() ?? '');
  if (parts === null) return undefined;
  const iso = `${parts[1]}-${parts[2]}-${parts[3]}`;
  return isDay(iso) ? iso : undefined;
}

export function isDay(iso: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(iso)) return false;
  const date = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso);
}

/** DTP or what JSON makes of it: `20260101`, `20260101-20261231`; undefined where unreadable. */
export function statedDate(
  qualifier: string | undefined,
  said: string | undefined,
): StatedDate | undefined {
  const [first, second, ...more] = (said ?? '').split('-');
  const start = isoDay(first);
  const end = isoDay(second);
  if (qualifier === undefined || start === undefined || more.length > 0) return undefined;
  if (second === undefined) return { qualifier, start };
  return end === undefined || end < start ? undefined : { qualifier, start, end };
}
