import { z } from 'zod';
import type { JsonObject } from '../../../kernel/json.ts';
import {
  codesOf,
  conceptTexts,
  dateOf,
  objectOf,
  periodOf,
  stringOf,
  unique,
  valuesAt,
} from '../../fhir/elements.ts';
import { compareDates, factOf, factShape, Lists, leftOutSchema, periodSchema } from '../fact.ts';
import { joined } from '../findings/clinical.ts';
import type { MemberRecord, RecordSet } from '../records.ts';

const text = z.string().optional();
const time = { ...factShape, starts: text, ends: text };

/**
 * When a practitioner is free or taken. Appointments stand here without whom they are with and
 * what for: that is the member's, and is read in the member's own documents.
 */
export const practitionerScheduleSchema = z.strictObject({
  appointments: z.array(z.strictObject({ ...time, where: text })),
  free: z.array(z.strictObject(time)),
  busy: z.array(z.strictObject(time)),
  schedules: z.array(
    z.strictObject({
      ...factShape,
      specialties: text,
      where: text,
      period: periodSchema.optional(),
    }),
  ),
  leftOut: leftOutSchema.optional(),
});

const MAX = { appointments: 40, free: 40, busy: 40, schedules: 10 } as const;

export function practitionerSchedule(set: RecordSet): JsonObject {
  const lists = new Lists();
  const take = (what: keyof typeof MAX, list: readonly JsonObject[]) =>
    lists.take(what, list, MAX[what], []);
  const slots = set.of('Slot').map(slotOf);
  const free = ({ status }: JsonObject) => status === 'free';
  const data = {
    appointments: take(
      'appointments',
      latestFirst(set.of('Appointment').map((r) => taken(r, set))),
    ),
    free: take('free', latestFirst(slots.filter(free))),
    busy: take('busy', latestFirst(slots.filter((slot) => !free(slot)))),
    schedules: take(
      'schedules',
      set.of('Schedule').map((record) => scheduleOf(record, set)),
    ),
  };
  return { ...data, ...(lists.leftOut.length > 0 && { leftOut: lists.leftOut }) };
}

function latestFirst(times: readonly JsonObject[]): JsonObject[] {
  return times.toSorted((a, b) => compareDates(b.starts, a.starts));
}

function taken(record: MemberRecord, set: RecordSet): JsonObject {
  const { status, start, end } = record.resource;
  return factOf(record, {
    title: 'Appointment',
    status: stringOf(status),
    date: dateOf(start),
    details: {
      starts: stringOf(start),
      ends: stringOf(end),
      where: joined(placesOf(record, set, 'participant.actor')),
    },
  });
}

function slotOf(record: MemberRecord): JsonObject {
  const { status, start, end, serviceType } = record.resource;
  return factOf(record, {
    title: joined(conceptTexts(serviceType)) ?? 'Slot',
    status: stringOf(status),
    date: dateOf(start),
    details: { starts: stringOf(start), ends: stringOf(end) },
    codes: codesOf(serviceType),
  });
}

function scheduleOf(record: MemberRecord, set: RecordSet): JsonObject {
  const { serviceType, specialty, planningHorizon, active } = record.resource;
  return factOf(record, {
    title: joined(conceptTexts(serviceType)) ?? 'Schedule',
    status: active === false ? 'inactive' : undefined,
    date: dateOf(objectOf(planningHorizon).start),
    details: {
      specialties: joined(conceptTexts(specialty)),
      where: joined(placesOf(record, set, 'actor')),
      period: periodOf(planningHorizon),
    },
    codes: codesOf(serviceType),
  });
}

function placesOf(record: MemberRecord, set: RecordSet, path: string): string[] {
  const places = valuesAt(record.resource, path).filter(({ reference }) =>
    stringOf(reference)?.startsWith('Location/'),
  );
  return unique(places.flatMap((place) => set.nameOf(place, record) ?? []));
}
