import { z } from 'zod';
import { isNpi } from '../../contract/eligibility.ts';
import { given } from '../given.ts';
import type { Person } from '../model.ts';
import { tokenize } from '../x12/tokenize.ts';
import { isoDay } from '../x12/values.ts';
import type { Asked } from './known.ts';

/** A request that the clearinghouse itself refuses, naming fields. */
export class Malformed extends Error {
  readonly paths: readonly string[];

  constructor(paths: readonly string[]) {
    super('the request is not valid');
    this.paths = paths;
  }
}

const day = z.string().regex(/^\d{8}$/);
const iso = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const name = z.string().min(1).max(60);
const id = z.string().min(1).max(80);
const npi = z.string().refine(isNpi);
const type = z.string().regex(/^[A-Z0-9]{1,2}$/);

const legacyPerson = {
  firstName: name.optional(),
  lastName: name.optional(),
  dateOfBirth: day.optional(),
  memberId: id.optional(),
  ssn: z.string().optional(),
};
/** 2024-04-01, as far as we ask; unknown members are refused there too. */
export const legacyRequest = z.strictObject({
  tradingPartnerServiceId: id,
  externalPatientId: z.string().max(36).optional(),
  submitterTransactionIdentifier: z.string().min(1).max(50).optional(),
  provider: z.strictObject({ organizationName: name, npi }),
  subscriber: z.strictObject(legacyPerson),
  dependents: z
    .array(
      z.strictObject({
        ...legacyPerson,
        individualRelationshipCode: z
          .string()
          .regex(/^\d{2}$/)
          .optional(),
      }),
    )
    .max(1)
    .optional(),
  encounter: z
    .strictObject({
      serviceTypeCodes: z.array(type).min(1).max(99).optional(),
      dateOfService: day.optional(),
    })
    .optional(),
});

const person = z.strictObject({
  person: z.strictObject({ firstName: name.optional(), lastName: name.optional() }),
});
const plansRequest = z.strictObject({
  payerId: id,
  provider: z.strictObject({ name: z.strictObject({ organization: name }), npi }),
  subscriber: z.strictObject({
    name: person.optional(),
    memberId: id.optional(),
    dateOfBirth: iso.optional(),
  }),
  dependent: z
    .strictObject({
      name: person,
      dateOfBirth: iso.optional(),
      relationToSubscriber: z.enum(['SPOUSE', 'CHILD', 'OTHER_ADULT']).optional(),
    })
    .optional(),
  encounter: z
    .strictObject({
      services: z.array(z.strictObject({ value: type, system: z.literal('STC') })).min(1),
      dates: z.strictObject({ service: z.strictObject({ start: iso }) }).optional(),
    })
    .optional(),
  externalPatientId: z.string().max(36).optional(),
});

/** @throws Malformed */
export function askedOfLegacy(body: unknown): Asked {
  const read = legacyRequest.safeParse(body);
  if (!read.success) throw new Malformed(pathsOf(read.error));
  const { tradingPartnerServiceId, provider, subscriber, dependents, encounter } = read.data;
  const [dependent] = dependents ?? [];
  return {
    payer: tradingPartnerServiceId,
    npi: provider.npi,
    providerName: provider.organizationName,
    subscriber: withDay(subscriber),
    ...(dependent && {
      dependent: {
        ...withDay(dependent),
        ...given({ relationship: dependent.individualRelationshipCode }),
      },
    }),
    serviceTypes: encounter?.serviceTypeCodes ?? ['30'],
  };
}

function withDay(person: { [K in keyof Asked['subscriber']]?: string | undefined }) {
  const { memberId, firstName, lastName, dateOfBirth, ssn } = person;
  return given({ memberId, firstName, lastName, ssn, dateOfBirth: isoDay(dateOfBirth) });
}

const RELATIONS = { SPOUSE: '01', CHILD: '19', OTHER_ADULT: '34' } as const;

/** @throws Malformed */
export function askedOfPlans(body: unknown): Asked {
  const read = plansRequest.safeParse(body);
  if (!read.success) throw new Malformed(pathsOf(read.error));
  const { payerId, provider, subscriber, dependent, encounter } = read.data;
  const { memberId, dateOfBirth } = subscriber;
  const relation = dependent?.relationToSubscriber;
  return {
    payer: payerId,
    npi: provider.npi,
    providerName: provider.name.organization,
    subscriber: given({ memberId, dateOfBirth, ...subscriber.name?.person }),
    ...(dependent && {
      dependent: given({
        ...dependent.name.person,
        dateOfBirth: dependent.dateOfBirth,
        relationship: relation && RELATIONS[relation],
      }),
    }),
    serviceTypes: encounter?.services.map(({ value }) => value) ?? ['30'],
  };
}

function pathsOf({ issues }: z.ZodError): string[] {
  return issues.map(({ path }) => path.join('.') || '(body)').slice(0, 20);
}

/**
 * A 270, as far as it names who asks about whom.
 * @throws Malformed
 */
export function askedOfX12(text: string): Asked {
  const { segments, faults } = tokenize(text);
  const is270 = segments.some(({ id: tag, elements }) => tag === 'ST' && elements[0] === '270');
  if (!is270 || faults.length > 0) throw new Malformed(['x12']);
  let level = '';
  const people: Record<string, Person & { relationship?: string }> = {};
  const found = { payer: '', npi: '', providerName: '', serviceTypes: [] as string[] };
  for (const { id: tag, elements } of segments) {
    const [first = '', second = '', third = '', fourth = ''] = elements;
    const one = people[level] ?? {};
    if (tag === 'HL') level = third;
    else if (tag === 'NM1' && first === 'PR') found.payer = elements[8] ?? '';
    else if (tag === 'NM1' && first === '1P') {
      found.npi = elements[8] ?? '';
      found.providerName = third;
    } else if (tag === 'NM1') people[level] = personOf(third, fourth, elements[8]);
    else if (tag === 'DMG') people[level] = { ...one, ...given({ dateOfBirth: isoDay(second) }) };
    else if (tag === 'INS') people[level] = { ...one, relationship: second };
    else if (tag === 'EQ') found.serviceTypes.push(first);
  }
  const dependent = people['23'];
  if (found.payer === '' || !isNpi(found.npi)) throw new Malformed(['x12']);
  return { ...found, subscriber: people['22'] ?? {}, ...(dependent && { dependent }) };
}

function personOf(lastName: string, firstName: string, memberId = ''): Person {
  return given({
    lastName: lastName || undefined,
    firstName: firstName || undefined,
    memberId: memberId || undefined,
  });
}
