import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { codeOf, codesOf, dateOf, objectsOf, stringOf, valuesAt } from '../fhir/elements.ts';
import list from './care-gaps.json' with { type: 'json' };
import { factOf, factShape } from './fact.ts';
import { findingOf } from './findings/index.ts';
import { monthsBefore, newestDate } from './newest.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import { isCareGap } from './sections.ts';

const text = z.string().optional();

/** What is due or done of what the record lets us check. */
export const careGapSchema = z.strictObject({
  ...factShape,
  status: text,
  /** Why it is due: the condition, the age. */
  because: text,
  lastDone: text,
  severity: text,
  detail: text,
  /** `derived` from the record by the named measure, or `recorded` by its source. */
  basis: z.enum(['derived', 'recorded']),
  measure: text,
});

interface Check {
  readonly what: string;
  readonly condition?: string | undefined;
  readonly gender?: string | undefined;
  readonly fromAge?: number | undefined;
  readonly toAge?: number | undefined;
  readonly withinMonths: number;
  readonly source: string;
  readonly done: Codes;
}

/** Codes by system, as `codesOf` names systems; HCPCS has no name there. */
type Codes = Readonly<Record<string, readonly string[] | undefined>>;

const CHECKS: readonly Check[] = list.checks;
const CONDITIONS: Readonly<Record<string, Codes>> = list.conditions;

/** Open gaps first, those that their sources recorded before those derived here; then what is met. */
export function careGapsOf(set: RecordSet): JsonObject[] {
  const recorded = set
    .of('DetectedIssue')
    .filter(({ resource }) => isCareGap(resource))
    .map((record) => {
      const { details, ...finding } = findingOf(record, set);
      const { severity, detail } = details ?? {};
      return factOf(record, { ...finding, details: { severity, detail, basis: 'recorded' } });
    });
  const now = newestDate(set);
  if (now === undefined) return recorded;
  const done = servicesIn(set);
  const derived = CHECKS.flatMap((check) => checked(check, set, done, now));
  const isOpen = ({ status }: JsonObject) => status === 'open';
  return [...recorded, ...derived.filter(isOpen), ...derived.filter((gap) => !isOpen(gap))];
}

/** One check, counted from the newest date of the record; none where it does not apply. */
function checked(
  check: Check,
  set: RecordSet,
  done: readonly Service[],
  now: string,
): JsonObject[] {
  const due = dueFor(check, set, now);
  if (due === undefined) return [];
  const { withinMonths, what, source } = check;
  const after = monthsBefore(now, withinMonths);
  const last = done.find(({ codes }) => isAmong(check.done, codes));
  const met = last !== undefined && last.date > after;
  const title = met
    ? `${capital(what)} done within ${withinMonths} months before ${now}`
    : `No ${what} in the record within ${withinMonths} months before ${now}`;
  const fact = factOf(met ? last.record : due.record, {
    title,
    status: met ? 'met' : 'open',
    date: met ? last.date : now,
    details: {
      because: due.because,
      lastDone: last?.date ?? 'never in this record',
      basis: 'derived',
      measure: source,
    },
  });
  return [{ ...fact, asOf: now }];
}

interface Due {
  readonly record: MemberRecord;
  readonly because: string;
}

function dueFor(check: Check, set: RecordSet, now: string): Due | undefined {
  const [patient] = set.of('Patient');
  if (check.condition !== undefined) {
    const record = set.of('Condition').find((one) => has(one, check.condition ?? ''));
    return record && { record, because: findingOf(record, set).title };
  }
  if (patient === undefined) return undefined;
  const { gender, birthDate, deceasedDateTime, deceasedBoolean } = patient.resource;
  const age = ageAt(dateOf(birthDate), now);
  if (age === undefined || deceasedDateTime !== undefined || deceasedBoolean === true) {
    return undefined;
  }
  const { fromAge = 0, toAge = Number.MAX_SAFE_INTEGER } = check;
  const fits = check.gender === undefined || gender === check.gender;
  if (!fits || age < fromAge || age > toAge) return undefined;
  const because = [check.gender, `aged ${age} on ${now}`].filter((one) => one !== undefined);
  return { record: patient, because: because.join(', ') };
}

const IN_FORCE = new Set(['active', 'recurrence', 'relapse']);

function has({ resource }: MemberRecord, condition: string): boolean {
  const verification = codeOf(resource.verificationStatus) ?? '';
  if (['refuted', 'entered-in-error'].includes(verification)) return false;
  const codes = CONDITIONS[condition] ?? {};
  return (
    IN_FORCE.has(codeOf(resource.clinicalStatus) ?? '') && isAmong(codes, codesOf(resource.code))
  );
}

function isAmong(codes: Codes, given: readonly string[]): boolean {
  return given.some((named) => {
    const space = named.lastIndexOf(' ');
    const code = named.slice(space + 1);
    const system = space === -1 ? 'HCPCS' : named.slice(0, space);
    const [category = code] = code.split('.');
    const listed = (Object.hasOwn(codes, system) ? codes[system] : undefined) ?? [];
    return listed.includes(code) || (system === 'ICD-10-CM' && listed.includes(category));
  });
}

const PERFORMED = ['Observation', 'Procedure', 'DiagnosticReport', 'Immunization'];
const VOID = new Set(['entered-in-error', 'cancelled', 'not-done', 'preparation', 'registered']);

interface Service {
  readonly record: MemberRecord;
  readonly date: string;
  readonly codes: readonly string[];
}

/** What was done for the member, newest first; services of claims count as well. */
function servicesIn(set: RecordSet): Service[] {
  const performed = set
    .of(...PERFORMED)
    .filter(({ resource }) => !VOID.has(stringOf(resource.status) ?? ''));
  return [...performed, ...set.of('ExplanationOfBenefit')]
    .flatMap((record): Service[] => {
      const { date } = findingOf(record, set);
      const codes = doneIn(record);
      return date === undefined || codes.length === 0 ? [] : [{ record, date, codes }];
    })
    .sort((a, b) => (a.date === b.date ? 0 : a.date < b.date ? 1 : -1));
}

const DONE = new WeakMap<MemberRecord, readonly string[]>();

/** Codes of what a record says was done. */
function doneIn(record: MemberRecord): readonly string[] {
  const before = DONE.get(record);
  if (before !== undefined) return before;
  const { type, resource } = record;
  const { code, vaccineCode, component } = resource;
  const codes =
    type === 'ExplanationOfBenefit'
      ? codesOf(...valuesAt(resource, 'item.productOrService'))
      : codesOf(code, vaccineCode, ...objectsOf(component).map((one) => one.code));
  DONE.set(record, codes);
  return codes;
}

/** Whole years; undefined without a birth date of a day. */
function ageAt(birthDate: string | undefined, date: string): number | undefined {
  if (birthDate === undefined || birthDate.length < 10 || date.length < 10) return undefined;
  const years = Number(date.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return date.slice(5) < birthDate.slice(5) ? years - 1 : years;
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
