import type { Section } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { codeOf } from '../fhir/elements.ts';

/** The section that a record type belongs to; every other type is clinical. */
const SECTION_OF_TYPE: Readonly<Record<string, Section>> = {
  Patient: 'profile',
  RelatedPerson: 'profile',
  Consent: 'profile',
  Coverage: 'coverage',
  CoverageEligibilityRequest: 'coverage',
  EnrollmentRequest: 'coverage',
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

/** Care gaps belong to those who care, other detected issues (of medications) to clinicians. */
export function sectionOf(type: string, resource: JsonObject): Section {
  if (type === 'DetectedIssue' && isCareGap(resource)) return 'care';
  return Object.hasOwn(SECTION_OF_TYPE, type) ? (SECTION_OF_TYPE[type] ?? 'clinical') : 'clinical';
}

/** DEQM: an issue whose code is CAREGAP (v3-ActCode). */
export function isCareGap({ code }: JsonObject): boolean {
  return codeOf(code) === 'CAREGAP';
}
