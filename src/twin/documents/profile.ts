import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import {
  codeOf,
  conceptText,
  dateOf,
  type Element,
  humanName,
  isGiven,
  objectOf,
  objectsOf,
  stringOf,
} from '../fhir/elements.ts';
import { contactOf, contactShape } from './contact.ts';
import { contradictionsOf, contradictionsSchema, differing } from './contradictions.ts';
import {
  activeFirst,
  compareDates,
  factOf,
  factShape,
  Lists,
  leftOutSchema,
  nowShape,
  periodSchema,
  withNow,
} from './fact.ts';
import { findingOf } from './findings/index.ts';
import type { MemberRecord, RecordSet } from './records.ts';

const text = z.string().optional();

/** `profile` (design §4): identity, contact, language, preferences, consents. */
export const profileSchema = z.strictObject({
  identity: z
    .strictObject({
      ...factShape,
      otherNames: z.array(z.string()).optional(),
      birthDate: text,
      gender: text,
      birthSex: text,
      race: text,
      ethnicity: text,
      maritalStatus: text,
      deceased: text,
      numbers: z.array(z.strictObject({ kind: z.string(), value: z.string() })).optional(),
    })
    .optional(),
  contact: z
    .strictObject({
      ...factShape,
      ...contactShape,
    })
    .optional(),
  language: z
    .strictObject({ ...factShape, preferred: text, others: z.array(z.string()).optional() })
    .optional(),
  relatedPersons: z.array(
    z.strictObject({
      ...factShape,
      relationship: text,
      phone: text,
      period: periodSchema.optional(),
    }),
  ),
  consents: z.array(
    z.strictObject({
      ...factShape,
      ...nowShape,
      decision: text,
      period: periodSchema.optional(),
    }),
  ),
  contradictions: contradictionsSchema,
  leftOut: leftOutSchema.optional(),
});

const RELATED_MAX = 20;
const CONSENTS_MAX = 20;

const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-';

export function profileData(set: RecordSet): JsonObject {
  const [patient, ...others] = patientsOf(set);
  const lists = new Lists();
  const facts = (type: string) =>
    set.of(type).map((record) => factOf(record, withNow(findingOf(record, set), record, set)));
  const data = {
    ...(patient !== undefined && personOf(patient)),
    relatedPersons: lists.take('relatedPersons', facts('RelatedPerson'), RELATED_MAX, [
      'RelatedPerson',
    ]),
    consents: lists.take('consents', activeFirst(facts('Consent')), CONSENTS_MAX, ['Consent']),
    ...contradictionsOf(
      patient === undefined ? [] : identityContradictions([patient, ...others]),
      lists,
      'Patient',
    ),
  };
  return { ...data, ...(lists.leftOut.length > 0 && { leftOut: lists.leftOut }) };
}

/** The record in force first: several stand here where one replaces another (Patient.link). */
function patientsOf(set: RecordSet): MemberRecord[] {
  const replaced = ({ resource }: MemberRecord) =>
    objectsOf(resource.link).some(({ type }) => type === 'replaced-by') ? 1 : 0;
  const updated = ({ resource }: MemberRecord) => objectOf(resource.meta).lastUpdated;
  return set
    .of('Patient')
    .toSorted((a, b) => replaced(a) - replaced(b) || compareDates(updated(b), updated(a)));
}

/** Records of one person that say different things of what a person has once. */
function identityContradictions(patients: readonly MemberRecord[]): JsonObject[] {
  const differs = (about: string, says: (resource: JsonObject) => string | undefined) =>
    differing(
      about,
      patients.flatMap((record) => {
        const said = says(record.resource);
        return said === undefined ? [] : [{ record, says: said }];
      }),
    );
  return [
    ...differs('name', ({ name }) => humanName(name)),
    ...differs('birth date', ({ birthDate }) => dateOf(birthDate)),
    ...differs('gender', ({ gender }) => stringOf(gender)),
    ...differs('date of death', ({ deceasedDateTime }) => dateOf(deceasedDateTime)),
  ];
}

function personOf(patient: MemberRecord): JsonObject {
  const { resource } = patient;
  const name = humanName(resource.name) ?? 'Name not given';
  const names = objectsOf(resource.name).flatMap((one) => humanName(one) ?? []);
  const spoken = objectsOf(resource.communication);
  const preferred = spoken.find((one) => one.preferred === true) ?? spoken[0];
  const others = spoken.filter((one) => one !== preferred);
  return {
    identity: factOf(patient, {
      title: name,
      details: {
        otherNames: [...new Set(names)].filter((other) => other !== name),
        birthDate: dateOf(resource.birthDate),
        gender: stringOf(resource.gender),
        birthSex: stringOf(extension(resource, `${US_CORE}birthsex`)?.valueCode),
        race: extensionText(resource, `${US_CORE}race`),
        ethnicity: extensionText(resource, `${US_CORE}ethnicity`),
        maritalStatus: conceptText(resource.maritalStatus),
        deceased:
          dateOf(resource.deceasedDateTime) ?? (resource.deceasedBoolean ? 'yes' : undefined),
        numbers: numbersOf(resource),
      },
    }),
    contact: factOf(patient, {
      title: 'Contact',
      details: contactOf(resource),
    }),
    language: factOf(patient, {
      title: 'Language',
      details: {
        preferred: conceptText(preferred?.language),
        others: others.map(({ language }) => conceptText(language)).filter(isGiven),
      },
    }),
  };
}

/** Numbers by which a plan or a hospital knows the person; never those of other walks of life. */
function numbersOf(resource: JsonObject): JsonObject[] {
  return objectsOf(resource.identifier).flatMap(({ type, value }) => {
    const number = stringOf(value);
    const shown = ['MR', 'MB', 'SN', 'UM'].includes(codeOf(type) ?? '');
    return shown && number !== undefined
      ? [{ kind: conceptText(type) ?? 'number', value: number }]
      : [];
  });
}

function extension(resource: JsonObject, url: string): JsonObject | undefined {
  return objectsOf(resource.extension).find((one) => one.url === url);
}

/** US Core race and ethnicity: the part `text`. */
function extensionText(resource: JsonObject, url: string): string | undefined {
  const parts = objectsOf(extension(resource, url)?.extension);
  return stringOf(objectOf(parts.find((one) => one.url === 'text') as Element).valueString);
}
