/** What care staff record of a demo member: all by the same doctor, at the same clinic. */

import {
  coded,
  concept,
  HL7,
  quantity,
  type Records,
  type Resource,
  reference,
  resource,
} from './fhir.ts';

const DOCTOR = reference('Practitioner', 'demo-dr-eve');
const CLINIC = reference('Location', 'demo-clinic-north');

export function condition(of: Records, part: string, code: string, onset: string): Resource {
  return resource('Condition', of.id(part), {
    clinicalStatus: coded('condition-clinical', 'active'),
    verificationStatus: coded('condition-ver-status', 'confirmed'),
    category: [coded('condition-category', 'problem-list-item', 'Problem List Item')],
    code: concept(code),
    subject: of.subject,
    onsetDateTime: onset,
    recordedDate: onset,
  });
}

export function medication(
  of: Records,
  part: string,
  code: string,
  since: string,
  dosage: string,
): Resource {
  return resource('MedicationRequest', of.id(part), {
    status: 'active',
    intent: 'order',
    medicationCodeableConcept: concept(code),
    subject: of.subject,
    authoredOn: since,
    requester: DOCTOR,
    dosageInstruction: [{ text: dosage }],
    dispenseRequest: { numberOfRepeatsAllowed: 3 },
  });
}

export function allergy(
  of: Records,
  part: string,
  code: string,
  reaction: string,
  severity: 'mild' | 'severe',
): Resource {
  return resource('AllergyIntolerance', of.id(part), {
    clinicalStatus: coded('allergyintolerance-clinical', 'active'),
    verificationStatus: coded('allergyintolerance-verification', 'confirmed'),
    type: 'allergy',
    criticality: severity === 'severe' ? 'high' : 'low',
    code: concept(code),
    patient: of.subject,
    reaction: [{ manifestation: [concept(reaction)], severity }],
  });
}

export function immunization(of: Records, part: string, code: string, date: string): Resource {
  return resource('Immunization', of.id(part), {
    status: 'completed',
    vaccineCode: concept(code),
    patient: of.subject,
    occurrenceDateTime: date,
    primarySource: true,
    location: CLINIC,
  });
}

/** What is measured, in which unit, and up to where it is normal. */
export interface Measure {
  readonly kind: 'laboratory' | 'vital-signs';
  readonly code: string;
  readonly unit: readonly [text: string, ucum: string];
  readonly high?: number;
}

/** One value a date; their ids end with the date, and no date stands twice. */
export function series(
  of: Records,
  part: string,
  measure: Measure,
  values: Readonly<Record<string, number>>,
): Resource[] {
  const [text, ucum] = measure.unit;
  return Object.entries(values).map(([date, value]) =>
    resource('Observation', of.id(`${part}-${date}`), {
      status: 'final',
      category: [coded('observation-category', measure.kind)],
      code: concept(measure.code),
      subject: of.subject,
      effectiveDateTime: date,
      issued: `${date}T17:00:00Z`,
      performer: [measure.kind === 'laboratory' ? reference('Organization', 'demo-lab') : DOCTOR],
      valueQuantity: quantity(value, text, ucum),
      ...(measure.high !== undefined && {
        referenceRange: [{ high: quantity(measure.high, text, ucum) }],
      }),
    }),
  );
}

export function bloodPressure(
  of: Records,
  date: string,
  systolic: number,
  diastolic: number,
): Resource {
  const part = (code: string, value: number): Record<string, unknown> => ({
    code: concept(code),
    valueQuantity: quantity(value, 'mmHg', 'mm[Hg]'),
  });
  return resource('Observation', of.id(`bp-${date}`), {
    status: 'final',
    category: [coded('observation-category', 'vital-signs')],
    code: concept('loinc:85354-9 Blood pressure panel'),
    subject: of.subject,
    effectiveDateTime: date,
    performer: [DOCTOR],
    component: [
      part('loinc:8480-6 Systolic blood pressure', systolic),
      part('loinc:8462-4 Diastolic blood pressure', diastolic),
    ],
  });
}

/** A visit of half an hour at nine in the morning. */
export function encounter(of: Records, part: string, code: string, date: string): Resource {
  return resource('Encounter', of.id(part), {
    status: 'finished',
    class: { system: `${HL7}/v3-ActCode`, code: 'AMB', display: 'ambulatory' },
    type: [concept(code)],
    subject: of.subject,
    participant: [{ individual: DOCTOR }],
    period: { start: `${date}T09:00:00Z`, end: `${date}T09:30:00Z` },
    location: [{ location: CLINIC }],
    serviceProvider: reference('Organization', 'demo-clinic'),
  });
}

export function procedure(
  of: Records,
  part: string,
  code: string,
  date: string,
  encounterPart?: string,
): Resource {
  return resource('Procedure', of.id(part), {
    status: 'completed',
    code: concept(code),
    subject: of.subject,
    ...(encounterPart !== undefined && {
      encounter: reference('Encounter', of.id(encounterPart)),
    }),
    performedDateTime: date,
    performer: [{ actor: DOCTOR }],
  });
}
