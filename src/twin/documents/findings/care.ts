import {
  codesOf,
  conceptText,
  conceptTexts,
  dateOf,
  isGiven,
  objectOf,
  objectsOf,
  stringOf,
  unique,
} from '../../fhir/elements.ts';
import { joined, namesAt, noteOf, reasons } from './clinical.ts';
import type { Reading } from './reading.ts';

export const CARE: Readonly<Record<string, Reading>> = {
  CarePlan: (record, set) => {
    const { resource } = record;
    const activities = objectsOf(resource.activity).map(({ detail }) => objectOf(detail));
    return {
      title: stringOf(resource.title) ?? conceptTexts(resource.category).at(-1) ?? 'Care plan',
      status: stringOf(resource.status),
      date: dateOf(objectOf(resource.period).start),
      details: {
        ended: dateOf(objectOf(resource.period).end),
        addresses: joined(namesAt(record, set, 'addresses')),
        activities: joined(unique(activities.map(({ code }) => conceptText(code)).filter(isGiven))),
        note: noteOf(record),
      },
      codes: codesOf(resource.category),
    };
  },
  CareTeam: (record, set) => {
    const { resource } = record;
    return {
      title: stringOf(resource.name) ?? 'Care team',
      status: stringOf(resource.status),
      date: dateOf(objectOf(resource.period).start),
      details: {
        ended: dateOf(objectOf(resource.period).end),
        participants: joined(namesAt(record, set, 'participant.member')),
        reason: reasons(record, set),
      },
    };
  },
  Goal: (record) => {
    const { resource } = record;
    const [target] = objectsOf(resource.target);
    return {
      title: conceptText(resource.description) ?? 'Goal',
      status: stringOf(resource.lifecycleStatus),
      date: dateOf(resource.startDate),
      details: {
        achievement: conceptText(resource.achievementStatus),
        due: dateOf(target?.dueDate),
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
    return {
      title:
        stringOf(resource.description) ??
        joined(conceptTexts(resource.serviceType)) ??
        'Appointment',
      status: stringOf(resource.status),
      date: dateOf(resource.start),
      details: {
        starts: stringOf(resource.start),
        ends: stringOf(resource.end),
        with: joined(namesAt(record, set, 'participant.actor')),
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
        owner: joined(namesAt(record, set, 'owner')),
        priority: stringOf(resource.priority),
        note: noteOf(record),
      },
      codes: codesOf(resource.code),
    };
  },
};
