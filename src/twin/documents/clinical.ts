import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { codeOf, objectsOf } from '../fhir/elements.ts';
import { clinicalContradictions } from './clinical-contradictions.ts';
import { contradictionsOf, contradictionsSchema } from './contradictions.ts';
import {
  activeFirst,
  factOf,
  factShape,
  Lists,
  leftOutSchema,
  newestFirst,
  searchHow,
} from './fact.ts';
import { findingOf, words } from './findings/index.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import { seriesOf, seriesSchema } from './series.ts';

const text = z.string().optional();

/** `clinical` (design §4): what is in force first, then newest first; every list bounded. */
export const clinicalSchema = z.strictObject({
  conditions: z.array(
    z.strictObject({
      ...factShape,
      severity: text,
      verification: text,
      resolved: text,
      recordedBy: text,
      note: text,
    }),
  ),
  medications: z.array(
    z.strictObject({
      ...factShape,
      dosage: text,
      intent: text,
      ended: text,
      reason: text,
      prescriber: text,
      note: text,
    }),
  ),
  allergies: z.array(
    z.strictObject({
      ...factShape,
      kind: text,
      criticality: text,
      reaction: text,
      severity: text,
      note: text,
    }),
  ),
  immunizations: z.array(
    z.strictObject({ ...factShape, dose: text, lot: text, where: text, who: text, note: text }),
  ),
  vitals: z.array(seriesSchema),
  labs: z.array(seriesSchema),
  /** Surveys, social history and whatever else was observed. */
  assessments: z.array(seriesSchema),
  procedures: z.array(
    z.strictObject({
      ...factShape,
      reason: text,
      outcome: text,
      where: text,
      who: text,
      note: text,
    }),
  ),
  encounters: z.array(
    z.strictObject({
      ...factShape,
      class: text,
      ended: text,
      reason: text,
      who: text,
      where: text,
    }),
  ),
  reports: z.array(
    z.strictObject({
      ...factShape,
      conclusion: text,
      results: text,
      modality: text,
      bodySite: text,
      who: text,
      where: text,
    }),
  ),
  documents: z.array(
    z.strictObject({ ...factShape, description: text, format: text, who: text, where: text }),
  ),
  devices: z.array(z.strictObject({ ...factShape, maker: text, expires: text })),
  supplies: z.array(z.strictObject({ ...factShape, quantity: text, who: text })),
  familyHistory: z.array(z.strictObject({ ...factShape, conditions: text })),
  contradictions: contradictionsSchema,
  leftOut: leftOutSchema.optional(),
});

/** Longest lists; what is beyond is found by search. */
const MAX = {
  conditions: 40,
  medications: 40,
  allergies: 40,
  immunizations: 20,
  vitals: 15,
  labs: 30,
  assessments: 10,
  procedures: 15,
  encounters: 15,
  reports: 10,
  documents: 10,
  devices: 10,
  supplies: 10,
  familyHistory: 10,
} as const;

type List = keyof typeof MAX;
type Category = 'vitals' | 'labs' | 'assessments';

const MEDICATION_TYPES = ['MedicationRequest', 'MedicationStatement'];
const REPORT_TYPES = ['DiagnosticReport', 'ImagingStudy'];

export function clinicalData(set: RecordSet): JsonObject {
  const lists = new Lists();
  const facts = (...types: string[]) =>
    set.of(...types).map((record) => factOf(record, findingOf(record, set)));
  const take = (what: List, list: readonly JsonObject[], ...types: string[]) =>
    lists.take(what, list, MAX[what], types);
  const observations = Map.groupBy(set.of('Observation'), categoryOf);
  const series = (what: Category) =>
    take(what, seriesOf(observations.get(what) ?? [], set), 'Observation');
  const data = {
    conditions: take('conditions', activeFirst(facts('Condition')), 'Condition'),
    medications: take('medications', activeFirst(facts(...MEDICATION_TYPES)), ...MEDICATION_TYPES),
    allergies: take('allergies', activeFirst(facts('AllergyIntolerance')), 'AllergyIntolerance'),
    immunizations: take('immunizations', newestFirst(facts('Immunization')), 'Immunization'),
    vitals: series('vitals'),
    labs: series('labs'),
    assessments: series('assessments'),
    procedures: take('procedures', newestFirst(facts('Procedure')), 'Procedure'),
    encounters: take('encounters', newestFirst(facts('Encounter')), 'Encounter'),
    reports: take('reports', newestFirst(facts(...REPORT_TYPES)), ...REPORT_TYPES),
    documents: take('documents', newestFirst(facts('DocumentReference')), 'DocumentReference'),
    devices: take('devices', newestFirst(facts('Device')), 'Device'),
    supplies: take('supplies', newestFirst(facts('SupplyDelivery')), 'SupplyDelivery'),
    familyHistory: take('familyHistory', facts('FamilyMemberHistory'), 'FamilyMemberHistory'),
    ...contradictionsOf(clinicalContradictions(set), lists, 'Condition', 'AllergyIntolerance'),
  };
  const leftOut = [...lists.leftOut, ...withoutList(set)];
  return { ...data, ...(leftOut.length > 0 && { leftOut }) };
}

const LISTED = new Set([
  ...['Condition', ...MEDICATION_TYPES, 'AllergyIntolerance', 'Immunization', 'Observation'],
  ...['Procedure', 'Encounter', ...REPORT_TYPES, 'DocumentReference', 'Device', 'SupplyDelivery'],
  'FamilyMemberHistory',
]);

/** Kinds of clinical records that no list shows: counted, and found by search. */
function withoutList(set: RecordSet): JsonObject[] {
  const others = set.all.filter(({ section, type }) => section === 'clinical' && !LISTED.has(type));
  return [...Map.groupBy(others, ({ type }) => type)].map(([type, { length: count }]) => ({
    what: words(type),
    count,
    how: searchHow([type]),
  }));
}

function categoryOf({ resource }: MemberRecord): Category {
  const codes = objectsOf(resource.category).map(codeOf);
  if (codes.includes('vital-signs')) return 'vitals';
  return codes.includes('laboratory') ? 'labs' : 'assessments';
}
