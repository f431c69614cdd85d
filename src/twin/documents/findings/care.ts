import type { JsonObject } from '../../../kernel/json.ts';
import {
  codesOf,
  conceptText,
  conceptTexts,
  dateOf,
  isGiven,
  objectOf,
  objectsOf,
  quantityText,
  stringOf,
  unique,
  valuesAt,
} from '../../fhir/elements.ts';
import type { MemberRecord, RecordSet } from '../records.ts';
import { isCareGap } from '../sections.ts';
import { joined, namesAt, noteOf, reasons } from './clinical.ts';
import type { Reading } from './reading.ts';

/** A person or organization that cares, and as what. */
export interface CareMember {
  readonly name: string;
  readonly role: string | undefined;
  readonly organization: string | undefined;
  readonly since: string | undefined;
}

/** Whom a record's participants, or the references of an element, name; never the member. */
export function careMembers(
  record: MemberRecord,
  set: RecordSet,
  element: 'participant' | 'generalPractitioner',
  otherwise?: string,
): CareMember[] {
  return objectsOf(record.resource[element]).flatMap((one) => {
    const who = element === 'participant' ? one.member : one;
    const name = set.nameOf(who, record);
    const self = stringOf(objectOf(who).reference)?.startsWith('Patient/') ?? false;
    if (name === undefined || self) return [];
    return [
      {
        name,
        role: joined(conceptTexts(one.role)) ?? otherwise,
        organization: set.nameOf(one.onBehalfOf, record),
        since: dateOf(objectOf(one.period).start),
      },
    ];
  });
}

export const CARE: Readonly<Record<string, Reading>> = {
  CarePlan: (record, set) => {
    const { resource } = record;
    return {
      title: stringOf(resource.title) ?? conceptTexts(resource.category).at(-1) ?? 'Care plan',
      status: stringOf(resource.status),
      date: dateOf(objectOf(resource.period).start),
      details: {
        ended: dateOf(objectOf(resource.period).end),
        addresses: joined(namesAt(record, set, 'addresses')),
        activities: joined(activitiesOf(record, set)),
        goals: joined(namesAt(record, set, 'goal')),
        note: noteOf(record),
      },
      codes: codesOf(resource.category),
    };
  },
  CareTeam: (record, set) => {
    const { resource } = record;
    const people = careMembers(record, set, 'participant');
    return {
      title: stringOf(resource.name) ?? 'Care team',
      status: stringOf(resource.status),
      date: dateOf(objectOf(resource.period).start),
      details: {
        ended: dateOf(objectOf(resource.period).end),
        participants: joined(
          people.map(({ name, role }) => (role === undefined ? name : `${name} (${role})`)),
        ),
        reason: reasons(record, set),
      },
    };
  },
  Goal: (record, set) => {
    const { resource } = record;
    const targets = objectsOf(resource.target);
    return {
      title: conceptText(resource.description) ?? 'Goal',
      status: stringOf(resource.lifecycleStatus),
      date: dateOf(resource.startDate),
      details: {
        achievement: conceptText(resource.achievementStatus),
        target: joined(targets.map(targetText).filter(isGiven)),
        due: targets.map(({ dueDate }) => dateOf(dueDate)).find(isGiven),
        addresses: joined(namesAt(record, set, 'addresses')),
        note: noteOf(record),
      },
    };
  },
  ServiceRequest: (record, set) => {
    const { resource } = record;
    return {
      title: conceptText(resource.code) ?? 'Service request',
      status: stringOf(resource.status),
      date: dateOf(resource.occurrenceDateTime) ?? dateOf(resource.authoredOn),
      details: {
        intent: stringOf(resource.intent) === 'order' ? undefined : stringOf(resource.intent),
        priority: stringOf(resource.priority),
        reason: reasons(record, set),
        requester: joined(namesAt(record, set, 'requester')),
        performer: joined(namesAt(record, set, 'performer')),
        note: noteOf(record),
      },
      codes: codesOf(resource.code),
    };
  },
  Appointment: (record, set) => {
    const { resource } = record;
    const kind = joined(conceptTexts(resource.serviceType));
    return {
      title: stringOf(resource.description) ?? kind ?? 'Appointment',
      status: stringOf(resource.status),
      date: dateOf(resource.start),
      details: {
        starts: stringOf(resource.start),
        ends: stringOf(resource.end),
        with: joined(actors(record, set, false)),
        where: joined(actors(record, set, true)),
        reason: reasons(record, set),
      },
      codes: codesOf(resource.serviceType),
    };
  },
  Task: (record, set) => {
    const { resource } = record;
    return {
      title: stringOf(resource.description) ?? conceptText(resource.code) ?? 'Task',
      status: stringOf(resource.status),
      date: dateOf(resource.authoredOn),
      details: {
        due: dateOf(objectOf(objectOf(resource.restriction).period).end),
        priority: stringOf(resource.priority),
        owner: joined(namesAt(record, set, 'owner')),
        requester: joined(namesAt(record, set, 'requester')),
        reason: conceptText(resource.reasonCode),
        note: joined(objectsOf(resource.note).flatMap(({ text }) => stringOf(text) ?? [])),
      },
      codes: codesOf(resource.code),
    };
  },
  DetectedIssue: (record, set) => {
    const { resource } = record;
    const issue = conceptText(resource.code) ?? 'Detected issue';
    const detail = stringOf(resource.detail);
    const gap = isCareGap(resource);
    return {
      title: gap ? (detail ?? issue) : issue,
      status: stringOf(resource.status),
      date:
        dateOf(resource.identifiedDateTime) ?? dateOf(objectOf(resource.identifiedPeriod).start),
      details: {
        severity: stringOf(resource.severity),
        detail: gap ? undefined : detail,
        implicated: joined(namesAt(record, set, 'implicated')),
        foundBy: joined(namesAt(record, set, 'author')),
      },
      codes: codesOf(resource.code),
    };
  },
};

/** `Antenatal education (in-progress)`, each activity once; those kept as records by their name. */
function activitiesOf(record: MemberRecord, set: RecordSet): string[] {
  return unique(
    objectsOf(record.resource.activity).flatMap(({ detail, reference }) => {
      const { code, description, status } = objectOf(detail);
      const what = conceptText(code) ?? stringOf(description) ?? set.nameOf(reference, record);
      const state = stringOf(status);
      return what === undefined ? [] : [state === undefined ? what : `${what} (${state})`];
    }),
  );
}

function targetText({ measure, detailQuantity, detailRange, detailString }: JsonObject) {
  const { low, high } = objectOf(detailRange);
  const range = [quantityText(low), quantityText(high)].filter(isGiven).join('–');
  const value = quantityText(detailQuantity) ?? stringOf(range) ?? stringOf(detailString);
  return stringOf([conceptText(measure), value].filter(isGiven).join(' '));
}

/** Places among an appointment's participants, or people; the member is neither. */
function actors(record: MemberRecord, set: RecordSet, places: boolean): string[] {
  const found = valuesAt(record.resource, 'participant.actor').flatMap((actor) => {
    const type = (stringOf(actor.reference) ?? '').split('/')[0] ?? '';
    const fits = (type === 'Location') === places && type !== 'Patient';
    return fits ? (set.nameOf(actor, record) ?? []) : [];
  });
  return unique(found);
}
