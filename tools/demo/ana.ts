/** demo-ana: type 2 diabetes, an A1c that rises again, and two care gaps. */

import {
  allergy,
  bloodPressure,
  condition,
  encounter,
  immunization,
  type Measure,
  medication,
  procedure,
  series,
} from './clinical.ts';
import { coded, quantity, type Resource, recordsOf, reference, resource } from './fhir.ts';
import { appointment, careGap, careTeam, consent, patient, task } from './person.ts';
import { benefits, coverage, explanation, type Plan } from './plan.ts';

const ana = recordsOf('ana', 'demo-ana');

const PLAN: Plan = {
  part: 'coverage',
  plan: ['DEMO-PPO-500', 'Demo PPO 500'],
  group: 'GRP-1001',
  subscriberId: 'DMO000000101',
  relationship: 'self',
  subscriber: ana.subject,
  period: { start: '2026-01-01', end: '2026-12-31' },
  copays: { office: 25, specialist: 50, er: 250 },
};

const A1C: Measure = {
  kind: 'laboratory',
  code: 'loinc:4548-4 Hemoglobin A1c/Hemoglobin.total in Blood',
  unit: ['%', '%'],
  high: 5.6,
};
const LDL: Measure = {
  kind: 'laboratory',
  code: 'loinc:18262-6 LDL Cholesterol',
  unit: ['mg/dL', 'mg/dL'],
  high: 100,
};
const EGFR: Measure = {
  kind: 'laboratory',
  code: 'loinc:33914-3 Glomerular filtration rate/1.73 sq M.predicted',
  unit: ['mL/min/{1.73_m2}', 'mL/min/{1.73_m2}'],
};
const WEIGHT: Measure = {
  kind: 'vital-signs',
  code: 'loinc:29463-7 Body weight',
  unit: ['kg', 'kg'],
};

export const demoAna = (): Resource[] => [...person(), ...covered(), ...clinical(), ...care()];

/** The payer extends the plan into 2027 and raises the copays: the change that the demo pushes. */
export const updateAna = (): Resource[] => [
  {
    ...coverage(ana, {
      ...PLAN,
      period: { start: '2026-01-01', end: '2027-12-31' },
      copays: { office: 35, specialist: 60, er: 300 },
    }),
    meta: { lastUpdated: '2026-11-02T08:00:00Z' },
  },
];

const person = (): Resource[] => [
  patient('demo-ana', {
    given: 'Ana',
    family: 'Demo-Alvarez',
    gender: 'female',
    born: '1974-03-14',
    phone: '10',
    language: ['es', 'Spanish'],
    number: 'DM-0101',
  }),
  consent(ana, 'consent', '2027-12-31'),
];

const covered = (): Resource[] => [
  coverage(ana, PLAN),
  benefits(ana, 'coverage', '2026-09-15T10:00:00Z', [
    { of: 'deductible', unit: 'individual', total: 500, used: 420 },
    { of: 'out-of-pocket', unit: 'individual', total: 3000, used: 1145.5 },
  ]),
  ...(
    [
      ['eob-visit', 'Office visit, established patient', '2026-08-18', 220, 165, 140],
      ['eob-labs', 'Hemoglobin A1c and lipid panel', '2026-08-19', 145.5, 88.2, 88.2],
      ['eob-spring', 'Office visit, established patient', '2026-02-10', 220, 165, 0],
    ] as const
  ).map(([part, what, date, submitted, allowed, paid]) =>
    explanation(ana, { part, what, date, submitted, allowed, paid, coverage: 'coverage' }),
  ),
];

const clinical = (): Resource[] => [
  condition(ana, 'diabetes', 'snomed:44054006 Type 2 diabetes mellitus', '2019-05-06'),
  condition(ana, 'hypertension', 'snomed:59621000 Essential hypertension', '2017-10-02'),
  condition(ana, 'hyperlipidemia', 'snomed:55822004 Hyperlipidemia', '2019-05-06'),
  medication(
    ana,
    'metformin',
    'rxnorm:860975 24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet',
    '2024-02-12',
    'Take 2 tablets by mouth with the evening meal, once a day',
  ),
  medication(
    ana,
    'lisinopril',
    'rxnorm:314076 lisinopril 10 MG Oral Tablet',
    '2023-09-11',
    'Take 1 tablet by mouth once a day',
  ),
  medication(
    ana,
    'atorvastatin',
    'rxnorm:617310 atorvastatin 20 MG Oral Tablet',
    '2023-09-11',
    'Take 1 tablet by mouth at bedtime',
  ),
  allergy(
    ana,
    'penicillin',
    'snomed:91936005 Allergy to penicillin',
    'snomed:247472004 Hives',
    'severe',
  ),
  immunization(
    ana,
    'flu-2025',
    'cvx:140 Influenza, seasonal, injectable, preservative free',
    '2025-10-09',
  ),
  immunization(ana, 'tdap-2023', 'cvx:115 Tdap', '2023-06-20'),
  ...series(ana, 'a1c', A1C, {
    '2023-02-14': 8.4,
    '2023-08-22': 7.6,
    '2024-02-12': 7.1,
    '2024-08-19': 6.9,
    '2025-02-17': 6.8,
    '2025-08-25': 7.2,
    '2026-02-10': 7.8,
    '2026-08-19': 8.1,
  }),
  ...series(ana, 'ldl', LDL, { '2024-02-12': 128, '2025-02-17': 97, '2026-08-19': 104 }),
  ...series(ana, 'egfr', EGFR, { '2024-02-12': 88, '2025-02-17': 84, '2026-02-10': 81 }),
  ...series(ana, 'weight', WEIGHT, { '2025-02-17': 78.4, '2026-02-10': 80.1, '2026-08-18': 81.6 }),
  bloodPressure(ana, '2025-08-25', 138, 84),
  bloodPressure(ana, '2026-02-10', 142, 88),
  bloodPressure(ana, '2026-08-18', 134, 82),
  encounter(ana, 'visit-spring', 'snomed:390906007 Follow-up encounter', '2026-02-10'),
  encounter(ana, 'visit-summer', 'snomed:390906007 Follow-up encounter', '2026-08-18'),
  procedure(ana, 'retinal-exam', 'snomed:134395001 Diabetic retinal eye exam', '2024-04-03'),
  procedure(
    ana,
    'foot-exam',
    'snomed:401191002 Diabetic foot examination',
    '2026-08-18',
    'visit-summer',
  ),
];

const care = (): Resource[] => [
  careTeam(ana, 'Blue team'),
  resource('Goal', ana.id('goal-a1c'), {
    lifecycleStatus: 'active',
    achievementStatus: coded('goal-achievement', 'worsening', 'Worsening'),
    description: { text: 'Hemoglobin A1c below 7 %' },
    subject: ana.subject,
    startDate: '2024-02-12',
    target: [
      {
        measure: { text: 'Hemoglobin A1c' },
        detailQuantity: quantity(7, '%'),
        dueDate: '2027-02-28',
      },
    ],
    addresses: [reference('Condition', ana.id('diabetes'))],
  }),
  resource('CarePlan', ana.id('care-plan'), {
    status: 'active',
    intent: 'plan',
    title: 'Diabetes self-management plan',
    subject: ana.subject,
    period: { start: '2024-02-12' },
    author: reference('Practitioner', 'demo-dr-eve'),
    careTeam: [reference('CareTeam', ana.id('care-team'))],
    addresses: [reference('Condition', ana.id('diabetes'))],
    goal: [reference('Goal', ana.id('goal-a1c'))],
    activity: [
      { detail: { status: 'in-progress', description: 'Measure blood sugar before breakfast' } },
      { detail: { status: 'not-started', description: 'Retinal eye exam, once a year' } },
    ],
  }),
  careGap(ana, 'gap-eye', 'No retinal eye exam since 2024-04-03'),
  careGap(ana, 'gap-kidney', 'No urine albumin-creatinine ratio in the last year'),
  task(ana, 'task-eye', 'Book a retinal eye exam', '2026-12-15'),
  appointment(ana, {
    part: 'appointment-winter',
    what: 'Diabetes follow-up',
    start: '2026-12-08T15:00:00Z',
    end: '2026-12-08T15:30:00Z',
  }),
];
