/**
 * The elements that this product reads, as loose zod schemas after FHIR R4 (hl7.org/fhir/R4):
 * what is there must have its shape, what we do not read may be anything.
 */

import { z } from 'zod';
import { type Position, refused } from './refusal.ts';

const text = z.string();
/** FHIR R4 `date` and `dateTime`: a time needs seconds and an offset. */
export const dateTime = z
  .string()
  .regex(/^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2}))?)?)?$/);
const period = z.looseObject({ start: dateTime.optional(), end: dateTime.optional() });
const coding = z.looseObject({
  system: text.optional(),
  code: text.optional(),
  display: text.optional(),
});
const concept = z.looseObject({ coding: z.array(coding).optional(), text: text.optional() });
const concepts = z.array(concept);
const reference = z.looseObject({ reference: text.optional(), display: text.optional() });
const references = z.array(reference);
const quantity = z.looseObject({ value: z.number().optional(), unit: text.optional() });
const money = z.looseObject({ value: z.number().optional(), currency: text.optional() });
const identifier = z.looseObject({ system: text.optional(), value: text.optional() });
const humanName = z.looseObject({
  text: text.optional(),
  family: text.optional(),
  given: z.array(text).optional(),
});
const notes = z.array(z.looseObject({ text: text.optional() }));
const attachment = z.looseObject({
  contentType: text.optional(),
  data: text.optional(),
  title: text.optional(),
});
const value = {
  valueQuantity: quantity.optional(),
  valueCodeableConcept: concept.optional(),
  valueString: text.optional(),
  valueBoolean: z.boolean().optional(),
  valueInteger: z.number().int().optional(),
  valueDateTime: dateTime.optional(),
};
const dosages = z.array(z.looseObject({ text: text.optional() }));
const medication = {
  status: text.optional(),
  medicationCodeableConcept: concept.optional(),
  medicationReference: reference.optional(),
  subject: reference.optional(),
};
const coverageClass = z.looseObject({
  type: concept.optional(),
  value: text.optional(),
  name: text.optional(),
});
const claim = {
  status: text,
  type: concept.optional(),
  patient: reference.optional(),
  billablePeriod: period.optional(),
  created: dateTime.optional(),
  provider: reference.optional(),
  insurer: reference.optional(),
  insurance: z.array(z.looseObject({ coverage: reference.optional() })).optional(),
  item: z.array(z.looseObject({ productOrService: concept.optional() })).optional(),
};
const named = { name: text.optional() };

/** What every resource shares. */
export const resourceShape = z.looseObject({
  resourceType: z.string().regex(/^[A-Z][A-Za-z]{1,63}$/),
  id: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,64}$/)
    .optional(),
  meta: z
    .looseObject({ lastUpdated: dateTime.optional(), security: z.array(coding).optional() })
    .optional(),
  identifier: z.union([z.array(identifier), identifier]).optional(),
  contained: z.array(z.looseObject({ resourceType: text, id: text.optional() })).optional(),
});

export const SHAPES: Readonly<Record<string, z.ZodType>> = {
  Patient: z.looseObject({
    name: z.array(humanName).optional(),
    birthDate: dateTime.optional(),
    gender: text.optional(),
    telecom: z.array(z.looseObject({ system: text.optional(), value: text.optional() })).optional(),
    address: z.array(z.looseObject({ line: z.array(text).optional() })).optional(),
    communication: z.array(z.looseObject({ language: concept })).optional(),
    deceasedDateTime: dateTime.optional(),
    deceasedBoolean: z.boolean().optional(),
  }),
  RelatedPerson: z.looseObject({
    patient: reference.optional(),
    relationship: concepts.optional(),
  }),
  Consent: z.looseObject({
    status: text,
    patient: reference.optional(),
    scope: concept.optional(),
  }),
  Coverage: z.looseObject({
    status: text,
    type: concept.optional(),
    beneficiary: reference,
    subscriberId: text.optional(),
    relationship: concept.optional(),
    period: period.optional(),
    payor: references.optional(),
    class: z.array(coverageClass).optional(),
    order: z.number().int().optional(),
  }),
  CoverageEligibilityResponse: z.looseObject({
    status: text,
    patient: reference.optional(),
    created: dateTime.optional(),
    outcome: text.optional(),
    insurance: z.array(z.looseObject({ inforce: z.boolean().optional() })).optional(),
  }),
  Condition: z.looseObject({
    clinicalStatus: concept.optional(),
    verificationStatus: concept.optional(),
    code: concept.optional(),
    subject: reference.optional(),
    onsetDateTime: dateTime.optional(),
    abatementDateTime: dateTime.optional(),
    recordedDate: dateTime.optional(),
    note: notes.optional(),
  }),
  MedicationRequest: z.looseObject({
    ...medication,
    authoredOn: dateTime.optional(),
    dosageInstruction: dosages.optional(),
    reasonCode: concepts.optional(),
  }),
  MedicationStatement: z.looseObject({ ...medication, dosage: dosages.optional() }),
  MedicationDispense: z.looseObject({ ...medication, dosageInstruction: dosages.optional() }),
  MedicationAdministration: z.looseObject(medication),
  AllergyIntolerance: z.looseObject({
    clinicalStatus: concept.optional(),
    code: concept.optional(),
    patient: reference.optional(),
    criticality: text.optional(),
    category: z.array(text).optional(),
    recordedDate: dateTime.optional(),
    reaction: z.array(z.looseObject({ manifestation: concepts.optional() })).optional(),
  }),
  Immunization: z.looseObject({
    status: text,
    vaccineCode: concept,
    patient: reference.optional(),
    occurrenceDateTime: dateTime.optional(),
  }),
  Observation: z.looseObject({
    ...value,
    status: text,
    code: concept,
    category: concepts.optional(),
    subject: reference.optional(),
    effectiveDateTime: dateTime.optional(),
    effectivePeriod: period.optional(),
    component: z.array(z.looseObject({ ...value, code: concept })).optional(),
  }),
  Procedure: z.looseObject({
    status: text,
    code: concept.optional(),
    subject: reference.optional(),
    performedDateTime: dateTime.optional(),
    performedPeriod: period.optional(),
  }),
  Encounter: z.looseObject({
    status: text,
    class: coding.optional(),
    type: concepts.optional(),
    subject: reference.optional(),
    period: period.optional(),
    reasonCode: concepts.optional(),
    participant: z.array(z.looseObject({ individual: reference.optional() })).optional(),
  }),
  DiagnosticReport: z.looseObject({
    status: text,
    code: concept,
    subject: reference.optional(),
    effectiveDateTime: dateTime.optional(),
    result: references.optional(),
    conclusion: text.optional(),
    presentedForm: z.array(attachment).optional(),
  }),
  DocumentReference: z.looseObject({
    status: text,
    type: concept.optional(),
    subject: reference.optional(),
    date: dateTime.optional(),
    content: z.array(z.looseObject({ attachment })),
  }),
  CarePlan: z.looseObject({
    status: text,
    category: concepts.optional(),
    subject: reference.optional(),
    period: period.optional(),
    activity: z.array(z.looseObject({})).optional(),
  }),
  CareTeam: z.looseObject({
    status: text.optional(),
    subject: reference.optional(),
    period: period.optional(),
    participant: z.array(z.looseObject({ member: reference.optional() })).optional(),
  }),
  Goal: z.looseObject({
    lifecycleStatus: text,
    description: concept,
    subject: reference.optional(),
  }),
  ServiceRequest: z.looseObject({ status: text, code: concept.optional() }),
  Task: z.looseObject({ status: text, for: reference.optional(), description: text.optional() }),
  Appointment: z.looseObject({ status: text, start: dateTime.optional() }),
  Claim: z.looseObject({ ...claim, total: money.optional() }),
  ClaimResponse: z.looseObject({ status: text, patient: reference.optional() }),
  ExplanationOfBenefit: z.looseObject({
    ...claim,
    outcome: text.optional(),
    total: z.array(z.looseObject({ category: concept.optional(), amount: money })).optional(),
  }),
  ImagingStudy: z.looseObject({ status: text, started: dateTime.optional() }),
  Practitioner: z.looseObject({ name: z.array(humanName).optional() }),
  PractitionerRole: z.looseObject({
    practitioner: reference.optional(),
    organization: reference.optional(),
  }),
  Organization: z.looseObject(named),
  Location: z.looseObject(named),
  HealthcareService: z.looseObject(named),
  Medication: z.looseObject({ code: concept.optional(), status: text.optional() }),
};

/** @throws Refusal naming the first element that has not its shape, in our own words. */
export function checkShape(
  shape: z.ZodType,
  value: unknown,
  at: Position | undefined,
  root: string,
  type?: string,
): void {
  const issue = shape.safeParse(value).error?.issues[0];
  if (issue === undefined) return;
  const path = [root, ...issue.path.map(String)]
    .filter((part) => part !== '')
    .reduce((all, part) => (/^\d+$/.test(part) ? `${all}[${part}]` : `${all}.${part}`), '')
    .replace(/^\./, '');
  throw refused({
    ...(at !== undefined && { at }),
    ...(type !== undefined && { type }),
    path,
    reason: 'shape',
    says: `${saysOf(issue)} as FHIR R4 defines it; correct it at the source.`,
  });
}

/** zod's messages are not shown: they may quote a value. */
function saysOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `It is missing or not of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return `It is not one of ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_format') return 'It has not the form';
  return 'It has not the shape';
}
