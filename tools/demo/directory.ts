/** Whom all members share: who treats, where, and who pays. It is imported first. */

import { coded, OURS, type Resource, reference, resource } from './fhir.ts';

const organization = (id: string, name: string, type: string, text: string): Resource =>
  resource('Organization', id, {
    identifier: [{ system: `${OURS}/organizations`, value: id }],
    active: true,
    type: [coded('organization-type', type, text)],
    name,
    telecom: [{ system: 'phone', value: '555-0100', use: 'work' }],
  });

const practitioner = (id: string, given: string, family: string, prefix: string): Resource =>
  resource('Practitioner', id, {
    identifier: [{ system: `${OURS}/practitioners`, value: id }],
    active: true,
    name: [{ use: 'official', family, given: [given], prefix: [prefix] }],
    telecom: [{ system: 'email', value: `${given.toLowerCase()}@clinic.example.org` }],
  });

const role = (id: string, who: string, specialty: string): Resource =>
  resource('PractitionerRole', id, {
    active: true,
    practitioner: reference('Practitioner', who),
    organization: reference('Organization', 'demo-clinic'),
    specialty: [{ text: specialty }],
    location: [reference('Location', 'demo-clinic-north')],
  });

const slot = (id: string, start: string, end: string): Resource =>
  resource('Slot', id, {
    schedule: reference('Schedule', 'demo-schedule-eve'),
    serviceType: [{ text: 'Office visit' }],
    status: 'free',
    start,
    end,
  });

export const directory = (): Resource[] => [
  organization('demo-clinic', 'Demo Clinic', 'prov', 'Healthcare Provider'),
  organization('demo-lab', 'Demo Laboratory', 'prov', 'Healthcare Provider'),
  organization('demo-payer', 'Demo Mutual Health Plan', 'pay', 'Payer'),
  practitioner('demo-dr-eve', 'Eve', 'Demo-Ellis', 'Dr.'),
  practitioner('demo-nurse-nia', 'Nia', 'Demo-Novak', 'RN'),
  resource('Location', 'demo-clinic-north', {
    identifier: [{ system: `${OURS}/locations`, value: 'demo-clinic-north' }],
    status: 'active',
    name: 'Demo Clinic North',
    telecom: [{ system: 'phone', value: '555-0101', use: 'work' }],
    address: {
      line: ['1 Example Square'],
      city: 'Sampleton',
      state: 'MA',
      postalCode: '00000',
      country: 'US',
    },
    managingOrganization: reference('Organization', 'demo-clinic'),
  }),
  role('demo-role-eve', 'demo-dr-eve', 'Family medicine'),
  role('demo-role-nia', 'demo-nurse-nia', 'Care coordination'),
  resource('Schedule', 'demo-schedule-eve', {
    active: true,
    serviceType: [{ text: 'Office visit' }],
    actor: [reference('Practitioner', 'demo-dr-eve'), reference('Location', 'demo-clinic-north')],
    planningHorizon: { start: '2026-12-01', end: '2026-12-31' },
  }),
  slot('demo-slot-1', '2026-12-08T16:00:00Z', '2026-12-08T16:30:00Z'),
  slot('demo-slot-2', '2026-12-09T14:00:00Z', '2026-12-09T14:30:00Z'),
];
