import { createHmac } from 'node:crypto';
import { parseUri } from '../contract/uris.ts';
import { Fault } from '../kernel/errors.ts';
import type { JsonObject } from '../kernel/json.ts';
import {
  codeOf,
  type Element,
  objectOf,
  objectsOf,
  stringOf,
  stringsOf,
} from '../twin/fhir/elements.ts';
import type { StoredSource, Subject, View } from '../twin/ports.ts';
import type { Dependent, Person, Provider, Question } from './model.ts';
import type { Payer, Payers } from './payers.ts';

export interface SubjectParts {
  readonly view: Pick<View, 'for' | 'partitionOf'>;
  readonly payers: Payers;
  /** Who asks where the request names nobody. */
  readonly provider: Provider;
  /** Of this deployment: dedupe keys say nothing about whom they are. */
  readonly secret: Uint8Array;
}

/** A member as payers know them, by the records of the twin. */
export interface KnownSubject {
  readonly coverage: string;
  readonly payer: Payer;
  readonly question: Question;
  /** Equal for equal questions of one tenant. */
  readonly dedupeKey: string;
  /** When the coverage record was accepted, ISO 8601. */
  readonly coverageRecorded: string;
}

export interface Asked {
  readonly tenant: string;
  readonly member: string;
  /** Id of a Coverage record; the first active one where it is left out. */
  readonly coverage?: string;
  readonly serviceTypes: readonly string[];
  readonly provider?: string;
  readonly serviceDate?: string;
}

export interface Subjects {
  /** @throws Fault saying what the record lacks; NOT_FOUND for a member that is not the tenant's */
  find(asked: Asked): KnownSubject;
}

/** Names are told to the payer, and to nobody else. */
export function createSubjects({ view, payers, provider, secret }: SubjectParts): Subjects {
  return {
    find(asked) {
      const subject = { kind: 'member', id: asked.member } as const;
      const records = new Records(view, subject);
      if (records.tenant !== asked.tenant) throw new Fault('NOT_FOUND');
      const coverage = coverageOf(records, asked.coverage);
      const payer = payerOf(coverage, payers);
      const npi = asked.provider ?? provider.npi;
      const { subscriber, dependent } = peopleOf(records, coverage);
      const question: Question = {
        ...{ payer: payer.id, provider: { npi, name: provider.name }, subscriber },
        ...(dependent !== undefined && { dependent }),
        serviceTypes: asked.serviceTypes as Question['serviceTypes'],
        ...(asked.serviceDate !== undefined && { serviceDate: asked.serviceDate }),
      };
      return {
        ...{ coverage: coverage.id, payer, question },
        dedupeKey: dedupeKeyOf(secret, asked.tenant, question),
        coverageRecorded: coverage.provenance.recorded,
      };
    },
  };
}

/** eligibility.md §1.2; an absent date is today, in the payer's zone. */
function dedupeKeyOf(secret: Uint8Array, tenant: string, question: Question): string {
  const { payer, provider, subscriber, dependent, serviceTypes, serviceDate } = question;
  const who = (one: Person): unknown =>
    one.memberId ?? [one.dateOfBirth, one.lastName, one.firstName];
  const patient = dependent && [dependent.dateOfBirth, dependent.lastName, dependent.firstName];
  const services = [...serviceTypes].sort();
  const text = JSON.stringify([
    ...[tenant, payer, provider.npi, who(subscriber), patient ?? null, services],
    serviceDate ?? null,
  ]);
  return createHmac('sha256', secret)
    .update('eligibility')
    .update(text)
    .digest('base64url')
    .slice(0, 32);
}

class Records {
  readonly #view: SubjectParts['view'];
  readonly #subject: Subject;

  constructor(view: SubjectParts['view'], subject: Subject) {
    this.#view = view;
    this.#subject = subject;
  }

  get #shard() {
    return this.#view.for(this.#view.partitionOf(this.#subject));
  }

  get tenant(): string | undefined {
    return this.#shard.tenantOf(this.#subject);
  }

  get(type: string, id: string): StoredSource | undefined {
    return this.#shard.source(this.#subject, type, id);
  }

  /** The record that an element refers to, such as `Patient/demo-ana`. */
  referred(element: Element): JsonObject | null | undefined {
    const [type = '', id = ''] = (stringOf(objectOf(element).reference) ?? '').split('/');
    return this.get(type, id)?.resource;
  }

  coverages(): StoredSource[] {
    const sections = new Map([['coverage' as const, 'full' as const]]);
    return this.#shard
      .facts({ subject: this.#subject, sections }, ['Coverage'])
      .flatMap(({ uri }) => {
        const parsed = parseUri(uri);
        if (parsed?.kind !== 'source') return [];
        return this.get(parsed.type, parsed.id) ?? [];
      });
  }
}

/** The one that was named; else the active one that pays first. */
function coverageOf(records: Records, named: string | undefined): StoredSource {
  const all = records.coverages();
  if (named !== undefined) {
    const found = all.find(({ id }) => id === named);
    if (found !== undefined) return found;
    throw new Fault('INVALID_ARGUMENT', { detail: 'coverage: this member has no such coverage.' });
  }
  const active = all.filter(({ resource }) => resource?.status === 'active');
  const order = ({ resource }: StoredSource): number => Number(resource?.order ?? 1);
  const begins = ({ resource }: StoredSource): string =>
    stringOf(objectOf(resource?.period).start) ?? '';
  const [first] = active.toSorted(
    (a, b) => order(a) - order(b) || begins(b).localeCompare(begins(a)),
  );
  if (first !== undefined) return first;
  throw new Fault('CONFLICT', {
    detail: 'This member has no active coverage on record: import one, or name one by its id.',
  });
}

/** @throws Fault that names the text: an operator adds it to the list of payers */
function payerOf({ resource, names }: StoredSource, payers: Payers): Payer {
  const payor = objectsOf(resource?.payor);
  const texts = payor.flatMap(({ reference, display, identifier }) => [
    stringOf(objectOf(identifier).value),
    names[stringOf(reference) ?? ''],
    stringOf(display),
  ]);
  const told = texts.filter((text) => text !== undefined);
  for (const text of told) {
    const payer = payers.find(text);
    if (payer !== undefined) return payer;
  }
  const text = told
    .at(-1)
    ?.replace(/[^\p{L}\p{N} .,&()/-]/gu, '')
    .slice(0, 80);
  throw new Fault('CONFLICT', {
    detail:
      text === undefined
        ? 'The coverage record names no payer.'
        : `The payer "${text}" is on no list: an operator adds it to resources/payers.json.`,
  });
}

const RELATIONSHIPS: Readonly<Record<string, string>> = {
  spouse: '01',
  child: '19',
  parent: '32',
  other: 'G8',
  common: '53',
};

/** 270 knows a subscriber, and the dependent where the patient is somebody else. */
function peopleOf(
  records: Records,
  { resource }: StoredSource,
): { subscriber: Person; dependent?: Dependent } {
  const coverage = resource ?? ({} as JsonObject);
  const self = personOf(records.referred(coverage.beneficiary));
  const memberId = stringOf(coverage.subscriberId);
  const number = memberId === undefined ? {} : { memberId };
  const relationship = codeOf(coverage.relationship) ?? 'self';
  if (relationship === 'self') return { subscriber: { ...self, ...number } };
  const subscriber = personOf(records.referred(coverage.subscriber));
  const code = RELATIONSHIPS[relationship] ?? 'G8';
  return { subscriber: { ...subscriber, ...number }, dependent: { ...self, relationship: code } };
}

function personOf(resource: JsonObject | null | undefined): Person {
  const names = objectsOf(resource?.name);
  const name = names.find(({ use }) => use === 'official') ?? names[0];
  const [firstName] = stringsOf(name?.given);
  const lastName = stringOf(name?.family);
  const dateOfBirth = stringOf(resource?.birthDate);
  return {
    ...(firstName !== undefined && { firstName }),
    ...(lastName !== undefined && { lastName }),
    ...(dateOfBirth !== undefined && { dateOfBirth }),
  };
}
