/**
 * Whom a record is about: FHIR R4 CompartmentDefinition/patient, narrowed to the element that names
 * the subject (who performed or asserted something is not whom it is about).
 */
export const SUBJECT_ELEMENTS: Readonly<Record<string, string>> = {
  AdverseEvent: 'subject',
  AllergyIntolerance: 'patient',
  Appointment: 'participant.actor',
  BodyStructure: 'patient',
  CarePlan: 'subject',
  CareTeam: 'subject',
  Claim: 'patient',
  ClaimResponse: 'patient',
  ClinicalImpression: 'subject',
  Communication: 'subject',
  Composition: 'subject',
  Condition: 'subject',
  Consent: 'patient',
  Coverage: 'beneficiary',
  CoverageEligibilityRequest: 'patient',
  CoverageEligibilityResponse: 'patient',
  DetectedIssue: 'patient',
  Device: 'patient',
  DeviceUseStatement: 'subject',
  DiagnosticReport: 'subject',
  DocumentReference: 'subject',
  Encounter: 'subject',
  EpisodeOfCare: 'patient',
  ExplanationOfBenefit: 'patient',
  FamilyMemberHistory: 'patient',
  Flag: 'subject',
  Goal: 'subject',
  ImagingStudy: 'subject',
  Immunization: 'patient',
  ImmunizationRecommendation: 'patient',
  List: 'subject',
  Media: 'subject',
  MedicationAdministration: 'subject',
  MedicationDispense: 'subject',
  MedicationRequest: 'subject',
  MedicationStatement: 'subject',
  NutritionOrder: 'patient',
  Observation: 'subject',
  Procedure: 'subject',
  QuestionnaireResponse: 'subject',
  RelatedPerson: 'patient',
  RiskAssessment: 'subject',
  ServiceRequest: 'subject',
  Specimen: 'subject',
  SupplyDelivery: 'patient',
  Task: 'for',
  VisionPrescription: 'patient',
};

/** Elements that lead to a record with a subject, where the subject itself is left out. */
export const SUBJECT_ROUTES: readonly string[] = [
  'encounter',
  'context',
  'context.encounter',
  'focus',
  'request',
  'claim',
  'basedOn',
  'partOf',
];

/** What all members share: kept in the directory, named in members' records. */
export const DIRECTORY_TYPES: ReadonlySet<string> = new Set([
  'Endpoint',
  'HealthcareService',
  'Location',
  'Medication',
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Schedule',
  'Slot',
  'Substance',
]);

/** `directory` for a device that is nobody's; `ignored` for kinds that no room uses. */
export function kindOf(type: string, hasSubject: boolean): 'subject' | 'directory' | 'ignored' {
  if (DIRECTORY_TYPES.has(type)) return 'directory';
  if (type === 'Device' && !hasSubject) return 'directory';
  return type === 'Patient' || Object.hasOwn(SUBJECT_ELEMENTS, type) ? 'subject' : 'ignored';
}
