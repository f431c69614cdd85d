import type { JsonObject } from '../../kernel/json.ts';
import { given } from '../given.ts';
import type { Person, Question } from '../model.ts';

/** The body of 2024-04-01, which is also that of an item of a batch. Dates are `YYYYMMDD`. */
export function legacyBody(question: Question): JsonObject {
  const { payer, provider, subscriber, dependent, serviceTypes, serviceDate, reference } = question;
  const asked = given({
    externalPatientId: reference,
    dependents: dependent && [
      given({
        ...personOf(dependent),
        individualRelationshipCode: dependent.relationship,
      }) as JsonObject,
    ],
  });
  return {
    tradingPartnerServiceId: payer,
    provider: { organizationName: provider.name, npi: provider.npi },
    subscriber: personOf(subscriber),
    ...(asked as JsonObject),
    encounter: {
      serviceTypeCodes: [...serviceTypes],
      ...(serviceDate !== undefined && { dateOfService: compactDate(serviceDate) }),
    },
  };
}

function personOf({ memberId, firstName, lastName, dateOfBirth }: Person): JsonObject {
  const born = dateOfBirth && compactDate(dateOfBirth);
  return given({ memberId, firstName, lastName, dateOfBirth: born }) as JsonObject;
}

export function compactDate(iso: string): string {
  return iso.replaceAll('-', '');
}

const RELATIONS: Readonly<Record<string, string>> = { '01': 'SPOUSE', '19': 'CHILD' };

/** The body of 2026-06-01. Dates are ISO. */
export function plansBody(question: Question): JsonObject {
  const { payer, provider, subscriber, dependent, serviceTypes, serviceDate, reference } = question;
  const { memberId, dateOfBirth } = subscriber;
  const dates = serviceDate && { service: { start: serviceDate } };
  return {
    payerId: payer,
    provider: { name: { organization: provider.name }, npi: provider.npi },
    subscriber: given({ name: nameOf(subscriber), memberId, dateOfBirth }) as JsonObject,
    ...(dependent && {
      dependent: given({
        name: nameOf(dependent),
        dateOfBirth: dependent.dateOfBirth,
        relationToSubscriber:
          dependent.relationship && (RELATIONS[dependent.relationship] ?? 'OTHER_ADULT'),
      }) as JsonObject,
    }),
    encounter: {
      services: serviceTypes.map((value) => ({ value, system: 'STC' })),
      ...(dates && { dates }),
    },
    ...(reference !== undefined && { externalPatientId: reference }),
  };
}

function nameOf({ firstName, lastName }: Person): JsonObject | undefined {
  if (firstName === undefined && lastName === undefined) return undefined;
  return { person: given({ firstName, lastName }) as JsonObject };
}
