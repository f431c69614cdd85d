import { isNpi } from '../contract/eligibility.ts';
import type { Person, Question } from './model.ts';
import { isDay } from './x12/values.ts';

/** What is wrong with a question: a field, and a rule in our words; never the value. */
export interface QuestionFault {
  readonly field: string;
  readonly rule: string;
}

/** X12 basic and extended characters without our delimiters: what a 270 can carry. */
const TEXT = /^[^*~^:`|<>\p{C}\p{Zl}\p{Zp}]+$/u;
const AN = /^[A-Za-z0-9][A-Za-z0-9 ._/-]*$/;

/**
 * Before anything goes out: one malformed item refuses a whole batch, and each wrong question may
 * be paid for.
 * @param today ISO date; nobody is born after it
 */
export function validate(question: Question, today: string): QuestionFault[] {
  const { payer, provider, subscriber, dependent, serviceTypes, serviceDate, reference } = question;
  return [
    ...rule('payer', AN.test(payer) && payer.length <= 80, 'a payer id of the clearinghouse'),
    ...rule('provider.npi', isNpi(provider.npi), 'ten digits with the check digit of an NPI'),
    ...text('provider.name', provider.name, 60),
    ...personOf('subscriber', subscriber, today),
    ...rule(
      'subscriber',
      isGiven(subscriber.memberId) ||
        (isGiven(subscriber.lastName) && isGiven(subscriber.dateOfBirth)),
      'a member id, or last name and birth date',
    ),
    ...(dependent === undefined ? [] : personOf('dependent', dependent, today)),
    ...(dependent === undefined
      ? []
      : rule(
          'dependent',
          isGiven(dependent.firstName) && isGiven(dependent.lastName),
          'first and last name',
        )),
    ...(dependent?.relationship === undefined
      ? []
      : rule('dependent.relationship', /^\d{2}$/.test(dependent.relationship), 'two digits')),
    ...rule(
      'serviceTypes',
      serviceTypes.length <= 99 && serviceTypes.every((one) => /^[A-Z0-9]{1,2}$/.test(one)),
      '1 to 99 X12 service type codes, such as 30',
    ),
    ...(serviceDate === undefined
      ? []
      : rule('serviceDate', isDay(serviceDate), 'an ISO date, such as 2026-01-31')),
    ...(reference === undefined
      ? []
      : rule('reference', /^[A-Za-z0-9_-]{1,36}$/.test(reference), '1 to 36 letters and digits')),
  ];
}

function personOf(field: string, person: Person, today: string): QuestionFault[] {
  const { memberId, firstName, lastName, dateOfBirth } = person;
  return [
    ...(memberId === undefined
      ? []
      : rule(
          `${field}.memberId`,
          AN.test(memberId) && memberId.length <= 80,
          '1 to 80 letters, digits and - . / _',
        )),
    ...(firstName === undefined ? [] : text(`${field}.firstName`, firstName, 35)),
    ...(lastName === undefined ? [] : text(`${field}.lastName`, lastName, 60)),
    ...(dateOfBirth === undefined
      ? []
      : rule(
          `${field}.dateOfBirth`,
          isDay(dateOfBirth) && dateOfBirth <= today && dateOfBirth >= '1850-01-01',
          'an ISO date of birth that is past',
        )),
  ];
}

function text(field: string, said: string, max: number): QuestionFault[] {
  const right = TEXT.test(said) && said.trim() === said && said.length <= max;
  return rule(field, right, `1 to ${max} characters without * ~ ^ : and control characters`);
}

function rule(field: string, right: boolean, says: string): QuestionFault[] {
  return right ? [] : [{ field, rule: says }];
}

function isGiven(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
