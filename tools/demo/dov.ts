/**
 * demo-dov: beside what anybody who treats him sees, treatment of opioid use disorder, protected by
 * 42 CFR Part 2. Some of it is labelled; the urine test is not, but refers to a labelled visit.
 */

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
import { protectedRecord, type Resource, recordsOf, reference } from './fhir.ts';
import { patient } from './person.ts';
import { benefits, coverage, explanation } from './plan.ts';

const dov = recordsOf('dov', 'demo-dov');

export const demoDov = (): Resource[] => [
  patient('demo-dov', {
    given: 'Dov',
    family: 'Demo-Dorn',
    gender: 'male',
    born: '1968-01-30',
    phone: '40',
    language: ['en', 'English'],
    number: 'DM-0404',
  }),
  coverage(dov, {
    part: 'coverage',
    plan: ['DEMO-HMO-1000', 'Demo HMO 1000'],
    group: 'GRP-4004',
    subscriberId: 'DMO000000404',
    relationship: 'self',
    subscriber: dov.subject,
    period: { start: '2026-01-01', end: '2026-12-31' },
    copays: { office: 20, specialist: 40, er: 200 },
  }),
  benefits(dov, 'coverage', '2026-09-10T10:00:00Z', [
    { of: 'deductible', unit: 'individual', total: 1000, used: 1000 },
    { of: 'out-of-pocket', unit: 'individual', total: 4000, used: 1580 },
  ]),
  ...anybodySees(),
  ...protectedRecords(),
];

function anybodySees(): Resource[] {
  return [
    condition(dov, 'hypertension', 'snomed:59621000 Essential hypertension', '2015-03-09'),
    condition(dov, 'back-pain', 'snomed:278860009 Chronic low back pain', '2021-02-15'),
    medication(
      dov,
      'lisinopril',
      'rxnorm:314076 lisinopril 10 MG Oral Tablet',
      '2024-01-22',
      'Take 1 tablet by mouth once a day',
    ),
    allergy(dov, 'latex', 'snomed:300916003 Latex allergy', 'snomed:271807003 Rash', 'mild'),
    immunization(dov, 'zoster', 'cvx:187 zoster recombinant', '2024-05-06'),
    bloodPressure(dov, '2026-01-19', 136, 86),
    bloodPressure(dov, '2026-07-13', 129, 81),
    ...series(
      dov,
      'creatinine',
      {
        kind: 'laboratory',
        code: 'loinc:2160-0 Creatinine [Mass/volume] in Serum or Plasma',
        unit: ['mg/dL', 'mg/dL'],
        high: 1.3,
      },
      { '2025-01-20': 0.9, '2026-01-19': 1 },
    ),
    encounter(dov, 'visit-winter', 'snomed:185349003 Encounter for check up', '2026-01-19'),
    procedure(dov, 'colonoscopy', 'snomed:73761001 Colonoscopy', '2023-11-08'),
  ];
}

function protectedRecords(): Resource[] {
  const disorder = reference('Condition', dov.id('opioid-use'));
  const visit = reference('Encounter', dov.id('visit-treatment'));
  const buprenorphine = medication(
    dov,
    'buprenorphine',
    'rxnorm:351267 buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet',
    '2025-03-17',
    'Dissolve 1 tablet under the tongue once a day',
  );
  const screen = series(
    dov,
    'drug-screen',
    {
      kind: 'laboratory',
      code: 'loinc:3879-4 Opiates [Presence] in Urine',
      unit: ['ng/mL', 'ng/mL'],
      high: 300,
    },
    { '2026-07-13': 0 },
  );
  return [
    protectedRecord(
      condition(dov, 'opioid-use', 'icd10:F11.20 Opioid dependence, uncomplicated', '2025-03-10'),
    ),
    protectedRecord(
      encounter(dov, 'visit-treatment', 'snomed:390906007 Follow-up encounter', '2026-07-13'),
    ),
    protectedRecord({ ...buprenorphine, reasonReference: [disorder] }),
    ...screen.map((one) => ({ ...one, encounter: visit })),
    protectedRecord(
      explanation(dov, {
        part: 'eob-treatment',
        coverage: 'coverage',
        what: 'Office-based treatment for opioid use disorder, monthly bundle',
        date: '2026-07-13',
        submitted: 480,
        allowed: 362,
        paid: 342,
      }),
    ),
  ];
}
