import { z } from 'zod';
import type { Json, JsonObject } from '../../kernel/json.ts';
import { compact, type Element, stringOf } from '../fhir/elements.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import { NOW, nowOf } from './time.ts';

/** What every fact of a section carries; its kind adds elements of its own. */
export const factShape = {
  /** What it is, in words. */
  title: z.string(),
  status: z.string().optional(),
  /** Clinical date, as its source wrote it: year, month or day. */
  date: z.string().optional(),
  /** `SNOMED 44054006`. */
  codes: z.array(z.string()).optional(),
  /** The source document. */
  uri: z.string(),
  /** Source system. */
  source: z.string(),
  /** When the source last changed it, else its clinical date; null where it says neither. */
  asOf: z.string().nullable(),
};

/** Beside `factShape`: what the day makes of it, where its status does not say so. */
export const nowShape = { now: z.enum(NOW).optional() };

export const factSchema = z.strictObject(factShape);
export const periodSchema = z.strictObject({
  start: z.string().optional(),
  end: z.string().optional(),
});

/** What a reader of one record type finds in it, before its provenance is added. */
export interface Finding {
  readonly title: string;
  readonly status?: string | undefined;
  readonly date?: string | undefined;
  readonly codes?: string[] | undefined;
  /** Elements of this kind, in the order in which they are to be read. */
  readonly details?: Readonly<Record<string, Element>>;
}

/** With what the day makes of it (time.ts), for documents that say so. */
export function withNow(
  finding: Finding,
  { resource }: MemberRecord,
  { reached }: RecordSet,
): Finding {
  return { ...finding, details: { ...finding.details, now: nowOf(resource, reached) } };
}

/** A fact with its provenance: source, URI and asOf; never when it was received (etags). */
export function factOf(record: MemberRecord, finding: Finding): JsonObject {
  const { title, status, date, codes, details } = finding;
  const { uri, source } = record;
  return {
    ...compact({ title, status, date, ...details, codes }),
    uri,
    source,
    asOf: asOfOf(record, date),
  };
}

function asOfOf({ resource }: MemberRecord, date: string | undefined): Json {
  const meta = resource.meta;
  const updated =
    typeof meta === 'object' && meta !== null && !Array.isArray(meta)
      ? stringOf(meta.lastUpdated)
      : undefined;
  return updated ?? date ?? null;
}

/** What a list leaves out, and how to get it. */
export const leftOutSchema = z.array(
  z.strictObject({ what: z.string(), count: z.number().int(), how: z.string() }),
);

/** How records of these types are got; those of practitioners cannot be searched. */
export function searchHow(types: readonly string[]): string {
  if (types.length === 0) return 'only the newest are shown';
  return `search with types=${JSON.stringify(types)}, narrowed by query or since`;
}

/** Lists of a section, each bounded; what was cut is counted and said. */
export class Lists {
  readonly leftOut: JsonObject[] = [];

  /** The first `max` of a list that is already in order. */
  take(what: string, facts: readonly JsonObject[], max: number, types: readonly string[]): Json[] {
    const count = facts.length - max;
    if (count > 0) {
      this.leftOut.push({ what, count, how: searchHow(types) });
    }
    return facts.slice(0, max);
  }
}

/** Newest first, what carries no date last; ties keep their order. */
export function newestFirst<T extends JsonObject>(facts: readonly T[]): T[] {
  return facts.toSorted((a, b) => compareDates(b.date, a.date));
}

export function compareDates(a: Element, b: Element): number {
  const [left, right] = [stringOf(a) ?? '', stringOf(b) ?? ''];
  return left === right ? 0 : left < right ? -1 : 1;
}

const STATUS_ORDER = ['active', 'recurrence', 'relapse', 'in-progress', 'on-hold', 'draft'];

/** What is in force first, then newest first. */
export function activeFirst<T extends JsonObject>(facts: readonly T[]): T[] {
  return newestFirst(facts).sort((a, b) => statusRank(a) - statusRank(b));
}

/** In force by its status and by the day: before its first, or after its last, it is neither. */
export function isOutOfTime({ now }: JsonObject): boolean {
  return now === 'ended' || now === 'not begun';
}

function statusRank(fact: JsonObject): number {
  const rank = STATUS_ORDER.indexOf(stringOf(fact.status) ?? '');
  return rank === -1 || isOutOfTime(fact) ? STATUS_ORDER.length : rank;
}
