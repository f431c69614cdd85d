import type { Section } from '../../contract/uris.ts';

/** The section that a record type belongs to; every other type is clinical. */
const SECTION_OF_TYPE: Readonly<Record<string, Section>> = {
  Patient: 'profile',
  RelatedPerson: 'profile',
  Consent: 'profile',
  Coverage: 'coverage',
  CoverageEligibilityRequest: 'coverage',
  CoverageEligibilityResponse: 'coverage',
  CarePlan: 'care',
  CareTeam: 'care',
  Goal: 'care',
  Appointment: 'care',
  Task: 'care',
  ServiceRequest: 'care',
  Claim: 'financial',
  ClaimResponse: 'financial',
  ExplanationOfBenefit: 'financial',
};

export function sectionOf(type: string): Section {
  return Object.hasOwn(SECTION_OF_TYPE, type) ? (SECTION_OF_TYPE[type] ?? 'clinical') : 'clinical';
}
