/** demo-ben and his daughter demo-cleo: one family on a plan with a high deductible. */

import {
  allergy,
  bloodPressure,
  condition,
  encounter,
  immunization,
  medication,
  procedure,
  series,
} from './clinical.ts';
import { coded, type Records, type Resource, recordsOf, reference, resource } from './fhir.ts';
import { appointment, patient, task } from './person.ts';
import { type Benefit, benefits, coverage, explanation, type Plan } from './plan.ts';

const ben = recordsOf('ben', 'demo-ben');
const cleo = recordsOf('cleo', 'demo-cleo');

const ASKED = '2026-09-20T10:00:00Z';
const FAMILY: readonly Benefit[] = [
  { of: 'deductible', unit: 'family', total: 6000, used: 1912.75 },
  { of: 'out-of-pocket', unit: 'family', total: 12000, used: 1912.75 },
];

const planOf = (of: Records, relationship: 'self' | 'child'): Plan => ({
  part: 'coverage',
  plan: ['DEMO-HDHP-3000', 'Demo HDHP 3000 with HSA'],
  group: 'GRP-2002',
  subscriberId: 'DMO000000202',
  relationship,
  subscriber: relationship === 'self' ? of.subject : reference('RelatedPerson', of.id('father')),
  period: { start: '2026-01-01', end: '2026-12-31' },
  copays: { office: 0, specialist: 0, er: 0 },
});

export const demoBen = (): Resource[] => [
  patient('demo-ben', {
    given: 'Ben',
    family: 'Demo-Baker',
    gender: 'male',
    born: '1985-11-02',
    phone: '20',
    language: ['en', 'English'],
    number: 'DM-0202',
  }),
  coverage(ben, planOf(ben, 'self')),
  benefits(ben, 'coverage', ASKED, [
    { of: 'deductible', unit: 'individual', total: 3000, used: 1240.25 },
    ...FAMILY,
  ]),
  explanation(ben, {
    part: 'eob-knee',
    coverage: 'coverage',
    what: 'Magnetic resonance imaging of the knee',
    date: '2026-05-12',
    submitted: 1850,
    allowed: 1075.25,
    paid: 0,
  }),
  condition(ben, 'knee', 'snomed:239873007 Osteoarthritis of knee', '2026-04-20'),
  condition(ben, 'rhinitis', 'snomed:61582004 Allergic rhinitis', '2012-06-01'),
  medication(
    ben,
    'cetirizine',
    'rxnorm:1014678 cetirizine hydrochloride 10 MG Oral Tablet',
    '2025-04-02',
    'Take 1 tablet by mouth once a day in the pollen season',
  ),
  allergy(ben, 'pollen', 'snomed:300910009 Allergy to pollen', 'snomed:76067001 Sneezing', 'mild'),
  immunization(
    ben,
    'flu-2026',
    'cvx:140 Influenza, seasonal, injectable, preservative free',
    '2026-10-01',
  ),
  ...series(
    ben,
    'cholesterol',
    {
      kind: 'laboratory',
      code: 'loinc:2093-3 Cholesterol [Mass/volume] in Serum or Plasma',
      unit: ['mg/dL', 'mg/dL'],
      high: 200,
    },
    { '2024-03-05': 192, '2026-03-10': 204 },
  ),
  bloodPressure(ben, '2026-03-10', 124, 79),
  encounter(ben, 'visit-knee', 'snomed:185349003 Encounter for check up', '2026-04-20'),
  procedure(ben, 'mri', 'snomed:698354004 Magnetic resonance imaging of knee', '2026-05-12'),
  task(ben, 'task-hsa', 'Confirm the HSA contribution for 2027', '2026-12-01'),
];

export const demoCleo = (): Resource[] => [
  patient('demo-cleo', {
    given: 'Cleo',
    family: 'Demo-Baker',
    gender: 'female',
    born: '2018-07-23',
    phone: '20',
    language: ['en', 'English'],
    number: 'DM-0203',
  }),
  resource('RelatedPerson', cleo.id('father'), {
    active: true,
    patient: cleo.subject,
    relationship: [coded('v3-RoleCode', 'FTH', 'father')],
    name: [{ use: 'official', family: 'Demo-Baker', given: ['Ben'] }],
  }),
  coverage(cleo, planOf(cleo, 'child')),
  benefits(cleo, 'coverage', ASKED, [
    { of: 'deductible', unit: 'individual', total: 3000, used: 672.5 },
    ...FAMILY,
  ]),
  explanation(cleo, {
    part: 'eob-urgent',
    coverage: 'coverage',
    what: 'Urgent care visit for asthma',
    date: '2026-06-04',
    submitted: 390,
    allowed: 285,
    paid: 0,
  }),
  condition(cleo, 'asthma', 'snomed:195967001 Asthma', '2023-09-18'),
  medication(
    cleo,
    'albuterol',
    'rxnorm:745679 200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler',
    '2023-09-18',
    'Inhale 2 puffs every 4 hours as needed for wheezing',
  ),
  allergy(
    cleo,
    'peanut',
    'snomed:91935009 Allergy to peanut',
    'snomed:39579001 Anaphylaxis',
    'severe',
  ),
  immunization(cleo, 'mmr-2', 'cvx:03 MMR', '2023-08-01'),
  immunization(cleo, 'varicella-2', 'cvx:21 varicella', '2023-08-01'),
  immunization(
    cleo,
    'flu-2025',
    'cvx:140 Influenza, seasonal, injectable, preservative free',
    '2025-10-14',
  ),
  ...series(
    cleo,
    'height',
    { kind: 'vital-signs', code: 'loinc:8302-2 Body height', unit: ['cm', 'cm'] },
    { '2024-07-30': 116, '2025-07-29': 122, '2026-07-28': 128.5 },
  ),
  encounter(cleo, 'visit-well-child', 'snomed:410620009 Well child visit', '2026-07-28'),
  appointment(cleo, {
    part: 'appointment-asthma',
    what: 'Asthma review',
    start: '2026-12-10T16:00:00Z',
    end: '2026-12-10T16:30:00Z',
  }),
];
