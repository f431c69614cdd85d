/** Who a demo member is: the patient, the one consent, care team and appointments. */

import { coded, HL7, OURS, type Records, type Resource, reference, resource } from './fhir.ts';

export interface Person {
  readonly given: string;
  readonly family: string;
  readonly gender: 'female' | 'male';
  readonly born: string;
  /** The last two digits of a telephone number of the range kept for fiction. */
  readonly phone: string;
  readonly language: readonly [code: string, name: string];
  readonly number: string;
}

export function patient(memberId: string, person: Person): Resource {
  const [code, display] = person.language;
  return resource('Patient', memberId, {
    identifier: [
      {
        type: coded('v2-0203', 'MB', 'Member Number'),
        system: `${OURS}/member-numbers`,
        value: person.number,
      },
    ],
    active: true,
    name: [{ use: 'official', family: person.family, given: [person.given] }],
    telecom: [
      { system: 'phone', value: `555-01${person.phone}`, use: 'mobile' },
      { system: 'email', value: `${person.given.toLowerCase()}@example.org` },
    ],
    gender: person.gender,
    birthDate: person.born,
    address: [
      {
        use: 'home',
        line: [`${person.phone} Example Street`],
        city: 'Sampleton',
        state: 'MA',
        postalCode: '00000',
        country: 'US',
      },
    ],
    communication: [
      {
        language: { coding: [{ system: 'urn:ietf:bcp:47', code, display }], text: display },
        preferred: true,
      },
    ],
    generalPractitioner: [reference('Practitioner', 'demo-dr-eve')],
    managingOrganization: reference('Organization', 'demo-clinic'),
  });
}

export function consent({ id, subject }: Records, part: string, until: string): Resource {
  return resource('Consent', id(part), {
    status: 'active',
    scope: coded('consentscope', 'patient-privacy', 'Privacy Consent'),
    category: [coded('v3-ActCode', 'INFA', 'information access')],
    patient: subject,
    dateTime: '2026-01-05T09:00:00Z',
    provision: { type: 'permit', period: { start: '2026-01-05', end: until } },
  });
}

export function careTeam({ id, subject }: Records, name: string): Resource {
  const member = (who: { reference: string }, role: string): Record<string, unknown> => ({
    role: [{ text: role }],
    member: who,
  });
  return resource('CareTeam', id('care-team'), {
    status: 'active',
    name,
    subject,
    period: { start: '2024-01-15' },
    participant: [
      member(reference('Practitioner', 'demo-dr-eve'), 'Primary care physician'),
      member(reference('Practitioner', 'demo-nurse-nia'), 'Care coordinator'),
    ],
    managingOrganization: [reference('Organization', 'demo-clinic')],
  });
}

export interface Visit {
  readonly part: string;
  readonly what: string;
  readonly start: string;
  readonly end: string;
}

export function appointment({ subject, id }: Records, visit: Visit): Resource {
  const attends = (actor: { reference: string }): Record<string, unknown> => ({
    actor,
    status: 'accepted',
  });
  return resource('Appointment', id(visit.part), {
    status: 'booked',
    serviceType: [{ text: visit.what }],
    description: visit.what,
    start: visit.start,
    end: visit.end,
    participant: [
      attends(subject),
      attends(reference('Practitioner', 'demo-dr-eve')),
      attends(reference('Location', 'demo-clinic-north')),
    ],
  });
}

export function task({ subject, id }: Records, part: string, what: string, due: string): Resource {
  return resource('Task', id(part), {
    status: 'requested',
    intent: 'plan',
    priority: 'routine',
    description: what,
    for: subject,
    authoredOn: '2026-09-01T09:00:00Z',
    requester: reference('Practitioner', 'demo-dr-eve'),
    owner: subject,
    restriction: { period: { end: due } },
  });
}

/** A care gap as DEQM writes it: an issue whose code is CAREGAP. */
export function careGap({ subject, id }: Records, part: string, what: string): Resource {
  return resource('DetectedIssue', id(part), {
    status: 'registered',
    code: { coding: [{ system: `${HL7}/v3-ActCode`, code: 'CAREGAP' }], text: 'Care gap' },
    severity: 'moderate',
    patient: subject,
    identifiedDateTime: '2026-09-01',
    detail: what,
  });
}
