import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { compact, stringOf } from '../fhir/elements.ts';
import { careGapSchema, careGapsOf } from './care-gaps.ts';
import {
  activeFirst,
  compareDates,
  factOf,
  factShape,
  Lists,
  leftOutSchema,
  newestFirst,
  nowShape,
  withNow,
} from './fact.ts';
import { type CareMember, careMembers } from './findings/care.ts';
import { findingOf } from './findings/index.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import { EXPECTED } from './time.ts';

const text = z.string().optional();

const careMember = z.strictObject({
  name: z.string(),
  role: text,
  organization: text,
  since: text,
});

/** `care` (design §4): who cares, what is planned, what is due. */
export const careSchema = z.strictObject({
  careTeam: z.array(
    z.strictObject({
      ...factShape,
      ...nowShape,
      ended: text,
      reason: text,
      members: z.array(careMember),
    }),
  ),
  careGaps: z.array(careGapSchema),
  tasks: z.array(
    z.strictObject({
      ...factShape,
      ...nowShape,
      due: text,
      priority: text,
      owner: text,
      requester: text,
      reason: text,
      note: text,
    }),
  ),
  appointments: z.array(
    z.strictObject({
      ...factShape,
      ...nowShape,
      starts: text,
      ends: text,
      with: text,
      where: text,
      reason: text,
    }),
  ),
  carePlans: z.array(
    z.strictObject({
      ...factShape,
      ...nowShape,
      ended: text,
      addresses: text,
      activities: text,
      goals: text,
      note: text,
    }),
  ),
  goals: z.array(
    z.strictObject({
      ...factShape,
      ...nowShape,
      achievement: text,
      target: text,
      due: text,
      addresses: text,
      note: text,
    }),
  ),
  serviceRequests: z.array(
    z.strictObject({
      ...factShape,
      intent: text,
      priority: text,
      reason: text,
      requester: text,
      performer: text,
      note: text,
    }),
  ),
  leftOut: leftOutSchema.optional(),
});

const MAX = {
  careTeam: 15,
  careGaps: 20,
  tasks: 20,
  appointments: 15,
  carePlans: 20,
  goals: 20,
  serviceRequests: 15,
} as const;

export function careData(set: RecordSet): JsonObject {
  const lists = new Lists();
  const take = (what: keyof typeof MAX, list: readonly JsonObject[], ...types: string[]) =>
    lists.take(what, list, MAX[what], types);
  const facts = (type: string) =>
    set.of(type).map((record) => factOf(record, withNow(findingOf(record, set), record, set)));
  const data = {
    careTeam: take('careTeam', careTeamOf(set), 'CareTeam'),
    careGaps: take('careGaps', careGapsOf(set), 'DetectedIssue'),
    tasks: take('tasks', openFirst(facts('Task')), 'Task'),
    appointments: take('appointments', nextFirst(facts('Appointment')), 'Appointment'),
    carePlans: take('carePlans', activeFirst(facts('CarePlan')), 'CarePlan'),
    goals: take('goals', activeFirst(facts('Goal')), 'Goal'),
    serviceRequests: take(
      'serviceRequests',
      activeFirst(facts('ServiceRequest')),
      'ServiceRequest',
    ),
  };
  return { ...data, ...(lists.leftOut.length > 0 && { leftOut: lists.leftOut }) };
}

/** Teams in force first, each with its people; whom the member's own record names comes first. */
function careTeamOf(set: RecordSet): JsonObject[] {
  const teams = set.of('CareTeam').map((record) => teamOf(record, set));
  const general = set.of('Patient').flatMap((patient) => {
    const members = careMembers(patient, set, 'generalPractitioner', 'General practitioner');
    return members.length === 0
      ? []
      : [teamFact(patient, { title: 'General practitioner' }, members)];
  });
  return [...general, ...activeFirst(teams)];
}

function teamOf(record: MemberRecord, set: RecordSet): JsonObject {
  const { details, ...finding } = withNow(findingOf(record, set), record, set);
  const { participants: _, ...others } = details ?? {};
  return teamFact(record, { ...finding, details: others }, careMembers(record, set, 'participant'));
}

function teamFact(
  record: MemberRecord,
  finding: Parameters<typeof factOf>[1],
  members: readonly CareMember[],
): JsonObject {
  const people = members.map((member) => compact({ ...member }) ?? {});
  return { ...factOf(record, finding), members: people };
}

const DONE = new Set(['completed', 'cancelled', 'rejected', 'failed', 'entered-in-error']);

/** What is still to be done by its due date, then what is done, newest first. */
function openFirst(tasks: readonly JsonObject[]): JsonObject[] {
  const isDone = ({ status }: JsonObject) => DONE.has(stringOf(status) ?? '');
  const open = tasks.filter((task) => !isDone(task));
  return [...open.toSorted(byDue), ...newestFirst(tasks.filter(isDone))];
}

/** What has no due date comes after what has one. */
function byDue(a: JsonObject, b: JsonObject): number {
  const [left, right] = [stringOf(a.due), stringOf(b.due)];
  if (left === undefined || right === undefined)
    return Number(left === undefined) - Number(right === undefined);
  return compareDates(left, right);
}

/** Those to come, the next one first; then the newest. */
function nextFirst(appointments: readonly JsonObject[]): JsonObject[] {
  const isNext = ({ status, now, date }: JsonObject) =>
    EXPECTED.includes(stringOf(status) ?? '') && now === undefined && date !== undefined;
  const next = appointments.filter(isNext).toSorted((a, b) => compareDates(a.starts, b.starts));
  return [...next, ...newestFirst(appointments.filter((one) => !isNext(one)))];
}
