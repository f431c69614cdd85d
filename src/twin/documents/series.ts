import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { codeOf, conceptText, objectOf, objectsOf, stringOf } from '../fhir/elements.ts';
import { factOf, factShape } from './fact.ts';
import { findingOf } from './findings/index.ts';
import { numberOf, valueText } from './findings/observation.ts';
import type { MemberRecord, RecordSet } from './records.ts';

/** One kind of measurement: its latest value, what came before, and the direction. */
export const seriesSchema = z.strictObject({
  ...factShape,
  value: z.string().optional(),
  interpretation: z.string().optional(),
  reference: z.string().optional(),
  note: z.string().optional(),
  /** Against the value before: steady within 2 %. Absent without two numbers of one unit. */
  trend: z.enum(['rising', 'falling', 'steady']).optional(),
  previous: z.array(z.strictObject({ value: z.string(), date: z.string().optional() })).optional(),
});

const PREVIOUS_MAX = 4;
const STEADY_SHARE = 0.02;

/** Records that are wrong or not there are no measurements. */
const VOID = new Set(['entered-in-error', 'cancelled']);

/** Latest value of each kind, newest kind first. */
export function seriesOf(observations: readonly MemberRecord[], set: RecordSet): JsonObject[] {
  const valid = observations.filter(({ resource }) => !VOID.has(stringOf(resource.status) ?? ''));
  const dated = valid.map((record) => ({ record, instant: instantOf(record.resource) }));
  const groups = Map.groupBy(dated, ({ record }) => kindOf(record.resource));
  return [...groups.values()]
    .map((group) => group.toSorted((a, b) => b.instant - a.instant))
    .toSorted((a, b) => (b[0]?.instant ?? 0) - (a[0]?.instant ?? 0))
    .map((group) =>
      latest(
        group.map(({ record }) => record),
        set,
      ),
    );
}

function latest(group: readonly MemberRecord[], set: RecordSet): JsonObject {
  const [newest, ...older] = group;
  const record = newest as MemberRecord;
  const finding = findingOf(record, set);
  const previous = older.slice(0, PREVIOUS_MAX).flatMap((one): JsonObject[] => {
    const value = valueText(one.resource);
    const { date } = findingOf(one, set);
    if (value === undefined) return [];
    return [{ value, ...(date !== undefined && { date }) }];
  });
  const details = { ...finding.details, trend: trendOf(group), previous };
  return factOf(record, { ...finding, details });
}

function trendOf([newest, before]: readonly MemberRecord[]): string | undefined {
  const now = newest && numberOf(newest.resource);
  const then = before && numberOf(before.resource);
  if (now === undefined || then === undefined || now.unit !== then.unit) return undefined;
  const change = now.value - then.value;
  if (Math.abs(change) <= Math.abs(then.value) * STEADY_SHARE) return 'steady';
  return change > 0 ? 'rising' : 'falling';
}

function kindOf({ code }: JsonObject): string {
  const [coding] = objectsOf(objectOf(code).coding);
  const { system, code: value } = coding ?? {};
  return value === undefined ? (conceptText(code) ?? '') : `${stringOf(system)}|${codeOf(code)}`;
}

function instantOf(resource: JsonObject): number {
  const { effectiveDateTime, effectivePeriod, issued } = resource;
  const text =
    stringOf(effectiveDateTime) ?? stringOf(objectOf(effectivePeriod).start) ?? stringOf(issued);
  const instant = Date.parse(text ?? '');
  return Number.isFinite(instant) ? instant : Number.MIN_SAFE_INTEGER;
}
