import {
  codesOf,
  conceptText,
  conceptTexts,
  dateOf,
  humanName,
  isGiven,
  objectOf,
  objectsOf,
  periodOf,
  stringOf,
} from '../../fhir/elements.ts';
import { joined } from './clinical.ts';
import type { Reading } from './reading.ts';

export const PROFILE: Readonly<Record<string, Reading>> = {
  Patient: ({ resource }) => ({
    title: humanName(resource.name) ?? 'Member',
    details: {
      birthDate: dateOf(resource.birthDate),
      gender: stringOf(resource.gender),
      city: objectsOf(resource.address)
        .map(({ city }) => stringOf(city))
        .find(isGiven),
    },
  }),
  RelatedPerson: ({ resource }) => ({
    title: humanName(resource.name) ?? 'Related person',
    details: {
      relationship: joined(conceptTexts(resource.relationship)),
      phone: objectsOf(resource.telecom)
        .map(({ value }) => stringOf(value))
        .find(isGiven),
      period: periodOf(resource.period),
    },
  }),
  Consent: ({ resource }) => ({
    title: joined(conceptTexts(resource.category)) ?? conceptText(resource.scope) ?? 'Consent',
    status: stringOf(resource.status),
    date: dateOf(resource.dateTime),
    details: {
      decision: stringOf(objectOf(resource.provision).type),
      period: periodOf(objectOf(resource.provision).period),
    },
    codes: codesOf(resource.category),
  }),
};
