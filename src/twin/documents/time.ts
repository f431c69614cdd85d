import type { JsonObject } from '../../kernel/json.ts';
import { type Element, isGiven, objectOf, stringOf, unique, valuesAt } from '../fhir/elements.ts';
import type { ResourceJson, SourceRecord } from '../ports.ts';

/**
 * The record by which a member's documents know what day it is (design §2): the decider appends it
 * when a day has come on which one of them changes. Days are those of UTC, as `YYYY-MM-DD`.
 */
export const TIME_PASSED = { type: 'TimePassed', id: 'clock' } as const;

/** What the day makes of a record whose status does not say so yet. */
export const NOW = ['not begun', 'ended', 'past', 'overdue'] as const;
export type Now = (typeof NOW)[number];

interface Dated {
  /** Element that says when it begins, and when it is over or due. */
  readonly from?: string;
  readonly until: string;
  readonly over: Now;
  /** Element of its status, and what stands there as long as the day counts. */
  readonly status: string;
  readonly open: readonly string[];
}

/** FHIR R4 status codes of what is still to be done, or expected. */
const TASK = [...['draft', 'requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold']];
const GOAL = ['proposed', 'planned', 'accepted', 'active'];
export const EXPECTED = ['proposed', 'pending', 'booked', 'arrived', 'checked-in', 'waitlist'];

const IN_FORCE = { over: 'ended', status: 'status', open: ['active'] } as const;

/** Every element whose day changes a document; a new one is a line here. */
const DATED: Readonly<Record<string, Dated>> = {
  Coverage: { from: 'period.start', until: 'period.end', ...IN_FORCE },
  Consent: { from: 'provision.period.start', until: 'provision.period.end', ...IN_FORCE },
  CarePlan: { from: 'period.start', until: 'period.end', ...IN_FORCE },
  CareTeam: { from: 'period.start', until: 'period.end', ...IN_FORCE },
  Task: { until: 'restriction.period.end', over: 'overdue', status: 'status', open: TASK },
  Goal: { until: 'target.dueDate', over: 'overdue', status: 'lifecycleStatus', open: GOAL },
  Appointment: { until: 'start', over: 'past', status: 'status', open: EXPECTED },
};

export const DATED_TYPES: readonly string[] = Object.keys(DATED);

/** The days on which a document that shows the record changes; none that no calendar reaches. */
export function dueDates(resource: ResourceJson | null): string[] {
  if (resource === null) return [];
  const dated = datedOf(resource.resourceType);
  if (dated === undefined) return [];
  return unique(
    [firstDay(valueAt(resource, dated.from)), dayAfter(valueAt(resource, dated.until))].filter(
      isGiven,
    ),
  );
}

/**
 * What the day makes of a record. Nothing where no day is known, where the record has no date, or
 * where its own status settles it.
 */
export function nowOf(resource: JsonObject, reached: string | undefined): Now | undefined {
  const dated = datedOf(stringOf(resource.resourceType) ?? '');
  if (dated === undefined || reached === undefined) return undefined;
  if (!dated.open.includes(stringOf(resource[dated.status]) ?? '')) return undefined;
  const begins = firstDay(valueAt(resource, dated.from));
  if (begins !== undefined && begins > reached) return 'not begun';
  const over = dayAfter(valueAt(resource, dated.until));
  return over !== undefined && over <= reached ? dated.over : undefined;
}

/** The day that the subject's records have reached; `undefined` where no day matters to them. */
export function reachedBy(records: readonly SourceRecord[]): string | undefined {
  const clock = records.find(({ type }) => type === TIME_PASSED.type);
  return stringOf(clock?.resource?.date);
}

function datedOf(type: string): Dated | undefined {
  return Object.hasOwn(DATED, type) ? DATED[type] : undefined;
}

/** The first that is given: documents show that one. */
function valueAt(resource: JsonObject, path: string | undefined): Element {
  if (path === undefined) return undefined;
  const dot = path.lastIndexOf('.');
  const key = path.slice(dot + 1);
  const holders = dot === -1 ? [resource] : valuesAt(resource, path.slice(0, dot));
  return holders.map((one) => objectOf(one)[key]).find((value) => stringOf(value) !== undefined);
}

/** FHIR R4 date and dateTime: a year or month stands for all of its days. */
const DATE = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$/;

function firstDay(value: Element): string | undefined {
  const text = stringOf(value) ?? '';
  const [, year, month = '01', day = '01'] = DATE.exec(text) ?? [];
  return year === undefined ? dayOf(instantOf(text)) : `${year}-${month}-${day}`;
}

/** The end of a period belongs to it (FHIR R4 `Period.end`). */
function dayAfter(value: Element): string | undefined {
  const text = stringOf(value) ?? '';
  const [, year, month, day] = DATE.exec(text) ?? [];
  if (year === undefined) return dayOf(instantOf(text) + DAY_MS);
  if (month === undefined) return dayOf(Date.UTC(Number(year) + 1, 0, 1));
  if (day === undefined) return dayOf(Date.UTC(Number(year), Number(month), 1));
  return dayOf(Date.UTC(Number(year), Number(month) - 1, Number(day) + 1));
}

const DAY_MS = 24 * 3_600_000;

function instantOf(text: string): number {
  return text.includes('T') ? Date.parse(text) : Number.NaN;
}

/** Of an instant, in UTC. "Until 9999-12-31" means for ever. */
export function dayOf(ms: number): string | undefined {
  const day = Number.isNaN(ms) ? '' : new Date(ms).toISOString();
  return /^\d{4}-/.test(day) ? day.slice(0, 10) : undefined;
}
