import type { z } from 'zod';
import type { Section } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { careData, careSchema } from './care.ts';
import { clinicalData, clinicalSchema } from './clinical.ts';
import { coverageData, coverageSchema } from './coverage.ts';
import { financialData, financialSchema } from './financial.ts';
import { profileData, profileSchema } from './profile.ts';
import type { RecordSet } from './records.ts';

/** One section of a member's twin: a schema, a projection, and words to find it by. */
export interface SectionDocument {
  readonly section: Section;
  readonly title: string;
  /** What it tells, for search. */
  readonly describes: string;
  readonly schema: z.ZodType;
  /** Pure: the records that a variant may show, to its data. Never throws. */
  readonly data: (set: RecordSet) => JsonObject;
  /** Paths of the elements that a purpose of use with `minimal` shows; without it nothing is. */
  readonly minimal?: readonly string[];
}

/** Every section document there is; a new one is a line here. */
export const MEMBER_DOCUMENTS: readonly SectionDocument[] = [
  {
    section: 'profile',
    title: 'Profile',
    describes: 'Identity, contact, address, phone, language, related persons, consents.',
    schema: profileSchema,
    data: profileData,
    minimal: ['birthDate', 'gender', 'numbers', 'source', 'asOf', 'title'].map(
      (name) => `identity.${name}`,
    ),
  },
  {
    section: 'coverage',
    title: 'Coverage',
    describes: 'Insurance plans, payer, member number, eligibility, benefits, deductible, copay.',
    schema: coverageSchema,
    data: coverageData,
  },
  {
    section: 'care',
    title: 'Care',
    describes:
      'Care team, who cares for the member, doctors, nurses, care gaps, what is due, to-do list, ' +
      'tasks, appointments, care plans, activities, goals, service requests, referrals.',
    schema: careSchema,
    data: careData,
  },
  {
    section: 'clinical',
    title: 'Clinical record',
    describes:
      'Conditions, problems, medications, allergies, immunizations, vaccines, vitals, lab results, ' +
      'assessments, procedures, visits, encounters, reports, documents.',
    schema: clinicalSchema,
    data: clinicalData,
  },
  {
    section: 'financial',
    title: 'Financial',
    describes:
      'Claims, explanations of benefit, billed, allowed and paid amounts, totals by year, patient ' +
      'portion, what the member owes, bills, deductible met, accumulators, prior authorizations.',
    schema: financialSchema,
    data: financialData,
  },
];

/** The same sentence in every general document, whether or not anything was left out. */
export const PROTECTED_NOTICE =
  'Specially protected categories (substance use, mental health, reproductive health, HIV) are not ' +
  'part of this view, whether or not any exist.';
