import type { JsonObject } from '../kernel/json.ts';
import { codeOf, dateOf, objectOf, objectsOf, stringOf, stringsOf } from '../twin/fhir/elements.ts';
import { given } from './given.ts';
import type { Dependent, Person, Provider, Question } from './model.ts';

/** What of a member's records names the person to a payer. */
export interface About {
  /** FHIR Patient: the member. */
  readonly patient: JsonObject;
  /** FHIR Coverage. */
  readonly coverage: JsonObject;
  /** The Patient or RelatedPerson of `Coverage.subscriber`, where the member is not the subscriber. */
  readonly subscriber?: JsonObject | undefined;
}

export interface Asking {
  readonly payer: string;
  readonly provider: Provider;
  readonly serviceTypes: readonly string[];
  readonly serviceDate?: string | undefined;
  /** Opaque. */
  readonly reference?: string | undefined;
}

/** FHIR subscriber-relationship to X12 individual relationship codes. */
const RELATIONS: Readonly<Record<string, string>> = {
  child: '19',
  spouse: '01',
  common: '53',
  parent: '34',
  other: 'G8',
};
const SELF = new Set(['self', '18', undefined]);

/**
 * A question about a member, from their own records. Undefined where too little is known: a payer
 * finds a person by number, or by last name and birth date.
 */
export function questionOf(
  { patient, coverage, subscriber }: About,
  { payer, provider, serviceTypes, serviceDate, reference }: Asking,
): Question | undefined {
  const [first, ...others] = serviceTypes;
  const memberId = stringOf(coverage.subscriberId);
  const relation = codeOf(coverage.relationship);
  const member = personOf(patient);
  const isSelf = SELF.has(relation);
  const holder = isSelf ? member : subscriber === undefined ? {} : personOf(subscriber);
  const asked: Person = given({ ...holder, memberId });
  const isFindable =
    asked.memberId !== undefined ||
    (asked.lastName !== undefined && asked.dateOfBirth !== undefined);
  if (first === undefined || !isFindable) return undefined;
  const dependent = isSelf ? undefined : dependentOf(member, relation);
  if (dependent === 'unnamed') return undefined;
  return {
    ...{ payer, provider, subscriber: asked, serviceTypes: [first, ...others] },
    ...given({ dependent, serviceDate, reference }),
  };
}

function dependentOf(member: Person, relation = 'other'): Dependent | 'unnamed' {
  if (member.firstName === undefined || member.lastName === undefined) return 'unnamed';
  return { ...member, ...given({ relationship: RELATIONS[relation] }) };
}

/** First given name and family name of the official name, else of the first. */
function personOf(resource: JsonObject): Person {
  const names = objectsOf(resource.name);
  const name = objectOf(names.find(({ use }) => use === 'official') ?? names[0]);
  const born = dateOf(resource.birthDate);
  return given({
    firstName: stringsOf(name.given)[0],
    lastName: stringOf(name.family),
    dateOfBirth: born?.length === 10 ? born : undefined,
  });
}
