import type { Section } from '../../../contract/uris.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import type { IndexRow } from '../../ports.ts';

/** What one member's answers are computed from: only what the caller may read, in their variant. */
export interface MemberFacts {
  readonly sections: ReadonlySet<Section>;
  /** Rows of these record types, newest first. */
  facts(types: readonly string[]): readonly IndexRow[];
  /** Data of a section document; undefined where there is none. */
  document(section: Section): JsonObject | undefined;
}

/** A computed answer: a sentence in pieces, and what it was computed from. */
export interface Answer {
  readonly title: string;
  /** The best first; what does not fit a budget is cut from the end. */
  readonly items: readonly string[];
  /** URIs of source documents, in the order of the items. Empty: the section document alone. */
  readonly sources: readonly string[];
  readonly section: Section;
  /** Of the newest fact; empty where there is none. */
  readonly date: string;
  /** Whether the section document is better to read on than the first source. */
  readonly whole: boolean;
}

export function textAt(data: JsonObject, key: string): string | undefined {
  const value = data[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** ` at …` and the like: a word before an element, where there is one. */
export function said(before: string, value: string | undefined): string {
  return value === undefined ? '' : `${before}${value}`;
}

/** To the second where the record says it: facts of one day have an order too. */
export function newestFirst(rows: readonly IndexRow[]): IndexRow[] {
  return rows.toSorted((a, b) => instantOf(b) - instantOf(a) || (a.uri < b.uri ? -1 : 1));
}

export function instantOf({ data, date }: IndexRow): number {
  const instant = Date.parse(textAt(data, 'at') ?? date);
  return Number.isFinite(instant) ? instant : Number.MIN_SAFE_INTEGER;
}

/** Whether a status says that something is in force. */
export function isActive({ data }: IndexRow): boolean {
  return /^(active|recurrence|relapse|in-progress|on-hold|draft|requested|accepted|booked|pending|proposed|ready|planned)$/.test(
    textAt(data, 'status') ?? '',
  );
}

const VOID = new Set(['entered-in-error', 'cancelled', 'not-done']);

/** Records that are wrong, or of what never happened, answer nothing. */
export function isValid({ data }: IndexRow): boolean {
  return !VOID.has(textAt(data, 'status') ?? '');
}

/** The day without what is not known ("2026-07-05"; "no date"). */
export function dayOf({ date }: IndexRow): string {
  return date === '' ? 'no date' : date;
}
