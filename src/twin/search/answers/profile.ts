import { isObject, type Json, type JsonObject } from '../../../kernel/json.ts';
import type { Question } from '../questions.ts';
import { type Answer, type MemberFacts, said, textAt } from './answer.ts';
import { listed } from './tell.ts';

type Tell = (profile: Profile, today: string) => string | undefined;

interface Profile {
  readonly identity: JsonObject;
  readonly contact: JsonObject;
  readonly language: JsonObject;
  readonly data: JsonObject;
}

const TELLS: Readonly<Record<string, Tell>> = {
  name: ({ identity }) =>
    `name: ${listed([textAt(identity, 'title'), said('also ', values(identity.otherNames))])}`,
  birthDate: ({ identity }, today) => {
    const born = textAt(identity, 'birthDate');
    return `born: ${born ?? 'not given'}${said(', age ', ageOf(born, today, textAt(identity, 'deceased')))}`;
  },
  phone: ({ contact }) => `phone: ${values(contact.phones) ?? 'none recorded'}`,
  email: ({ contact }) => `email: ${values(contact.emails) ?? 'none recorded'}`,
  address: ({ contact }) => `address: ${values(contact.addresses) ?? 'none recorded'}`,
  gender: ({ identity }) =>
    `gender: ${listed([textAt(identity, 'gender'), said('sex at birth ', textAt(identity, 'birthSex'))])}`,
  language: ({ language }) =>
    `language: ${listed([textAt(language, 'preferred') ?? 'none recorded', said('also ', values(language.others))])}`,
  race: ({ identity }) =>
    `race: ${textAt(identity, 'race') ?? 'not given'}; ethnicity: ${textAt(identity, 'ethnicity') ?? 'not given'}`,
  maritalStatus: ({ identity }) =>
    `marital status: ${textAt(identity, 'maritalStatus') ?? 'not given'}`,
  numbers: ({ identity }) => said('numbers: ', values(identity.numbers)),
  deceased: ({ identity }) => `deceased: ${textAt(identity, 'deceased') ?? 'not recorded as such'}`,
  relatedPersons: ({ data }) =>
    `related persons: ${values(data.relatedPersons) ?? 'none recorded'}`,
  consents: ({ data }) => `consents: ${values(data.consents) ?? 'none recorded'}`,
};

/** What is told of a person beside what was asked. */
const FRAME = ['name', 'birthDate', 'gender'];

/** Elements of the profile that the question names, then who it is about. */
export function answerProfile(
  question: Question,
  facts: MemberFacts,
  today: string,
): Answer | undefined {
  const data = facts.document('profile');
  if (data === undefined) return undefined;
  const part = (name: string) => (isObject(data[name]) ? (data[name] as JsonObject) : {});
  const profile = {
    identity: part('identity'),
    contact: part('contact'),
    language: part('language'),
    data,
  };
  const asked = question.fields.map(({ meaning }) => meaning.name);
  const names = [...new Set([...asked, ...FRAME])];
  const items = names
    .map((name) => TELLS[name]?.(profile, today))
    .filter((text) => text !== undefined && text !== '');
  const uri = textAt(profile.identity, 'uri');
  return {
    title: 'Profile',
    items: items as string[],
    sources: uri === undefined ? [] : [uri],
    section: 'profile',
    date: '',
    whole: true,
  };
}

/** Texts of a list of strings, or of objects with a value or a title. */
function values(list: Json | undefined): string | undefined {
  if (!Array.isArray(list)) return undefined;
  const texts = list.map((one) => {
    if (!isObject(one)) return String(one);
    const object = one as JsonObject;
    const about = listed(
      ['use', 'kind', 'relationship', 'status'].map((key) => textAt(object, key)),
    );
    const text = textAt(object, 'value') ?? textAt(object, 'title') ?? '';
    return `${text}${about === '' ? '' : ` (${about})`}${said(', phone ', textAt(object, 'phone'))}`;
  });
  return texts.length === 0 ? undefined : texts.join('; ');
}

/** Whole years on a day; undefined where the birth date is not known to the day. */
function ageOf(born: string | undefined, today: string, died: string | undefined) {
  if (born === undefined || born.length < 10 || died !== undefined) return undefined;
  const years = Number(today.slice(0, 4)) - Number(born.slice(0, 4));
  return String(today.slice(5) < born.slice(5) ? years - 1 : years);
}
