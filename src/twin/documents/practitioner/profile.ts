import { z } from 'zod';
import type { JsonObject } from '../../../kernel/json.ts';
import {
  codeOf,
  codesOf,
  compact,
  conceptText,
  conceptTexts,
  humanName,
  isGiven,
  objectsOf,
  periodOf,
  stringOf,
  stringsOf,
} from '../../fhir/elements.ts';
import { contactOf, contactShape } from '../contact.ts';
import { activeFirst, factOf, factShape, Lists, leftOutSchema, periodSchema } from '../fact.ts';
import { joined, namesAt } from '../findings/clinical.ts';
import type { MemberRecord, RecordSet } from '../records.ts';

const text = z.string().optional();

/** A practitioner as the directory knows them: who, where, as what. */
export const practitionerProfileSchema = z.strictObject({
  identity: z
    .strictObject({
      ...factShape,
      gender: text,
      languages: z.array(z.string()).optional(),
      qualifications: z.array(z.string()).optional(),
      numbers: z.array(z.strictObject({ kind: z.string(), value: z.string() })).optional(),
      ...contactShape,
    })
    .optional(),
  roles: z.array(
    z.strictObject({
      ...factShape,
      specialties: text,
      organization: text,
      locations: text,
      services: text,
      period: periodSchema.optional(),
      hours: text,
      ...contactShape,
    }),
  ),
  leftOut: leftOutSchema.optional(),
});

const ROLES_MAX = 20;

export function practitionerProfile(set: RecordSet): JsonObject {
  const lists = new Lists();
  const [practitioner] = set.of('Practitioner');
  const roles = set.of('PractitionerRole').map((record) => roleOf(record, set));
  return {
    ...(practitioner !== undefined && { identity: identityOf(practitioner) }),
    roles: lists.take('roles', activeFirst(roles), ROLES_MAX, []),
    ...(lists.leftOut.length > 0 && { leftOut: lists.leftOut }),
  };
}

function identityOf(record: MemberRecord): JsonObject {
  const { resource } = record;
  return factOf(record, {
    title: humanName(resource.name) ?? 'Name not given',
    status: stateOf(resource),
    details: {
      gender: stringOf(resource.gender),
      languages: conceptTexts(resource.communication),
      qualifications: objectsOf(resource.qualification)
        .map(({ code }) => conceptText(code))
        .filter(isGiven),
      numbers: npiOf(resource),
      ...contactOf(resource),
    },
  });
}

function roleOf(record: MemberRecord, set: RecordSet): JsonObject {
  const { resource } = record;
  const roles = conceptTexts(resource.code);
  const specialties = conceptTexts(resource.specialty);
  return factOf(record, {
    title: joined(roles) ?? joined(specialties) ?? 'Role',
    status: stateOf(resource),
    details: {
      specialties: joined(specialties),
      organization: joined(namesAt(record, set, 'organization')),
      locations: joined(namesAt(record, set, 'location')),
      services: joined(namesAt(record, set, 'healthcareService')),
      period: periodOf(resource.period),
      hours: joined(objectsOf(resource.availableTime).map(hoursText).filter(isGiven)),
      ...contactOf(resource),
    },
    codes: codesOf(resource.code, resource.specialty),
  });
}

function stateOf({ active }: JsonObject): string | undefined {
  return typeof active === 'boolean' ? (active ? 'active' : 'inactive') : undefined;
}

const NPI = 'http://hl7.org/fhir/sid/us-npi';

/** The national provider number; other numbers are nobody's to call by. */
function npiOf({ identifier }: JsonObject): JsonObject[] {
  return objectsOf(identifier).flatMap((one) => {
    const value = stringOf(one.value);
    const npi = one.system === NPI || codeOf(one.type) === 'NPI';
    return npi && value !== undefined ? [compact({ kind: 'NPI', value }) ?? {}] : [];
  });
}

/** `mon, tue 08:00:00–17:00:00`. */
function hoursText({ daysOfWeek, availableStartTime, availableEndTime, allDay }: JsonObject) {
  const days = stringsOf(daysOfWeek).join(', ');
  const times = [stringOf(availableStartTime), stringOf(availableEndTime)]
    .filter(isGiven)
    .join('–');
  return stringOf(
    [days, allDay === true ? 'all day' : times].filter((one) => one !== '').join(' '),
  );
}
