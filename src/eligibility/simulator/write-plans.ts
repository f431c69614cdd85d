import type { JsonObject } from '../../kernel/json.ts';
import { given } from '../given.ts';
import type { Benefit, Person, StatedDate } from '../model.ts';
import {
  AUTHORIZATIONS,
  DATES,
  FOLLOW_UPS,
  INSURANCE_TYPES,
  KINDS,
  LEVELS,
  NETWORKS,
  PERIODS,
  QUANTITIES,
  ROLES,
  STATUSES,
} from '../stedi/codes.ts';
import type { Asked, Told } from './known.ts';
import { type Stamp, write271 } from './write-x12.ts';

/** The body of 2026-06-01: benefits by plan and kind, one a service type, codes spelled out. */
export function writePlans(asked: Asked, told: Told, stamp: Stamp): JsonObject {
  const { subscriber, dependent } = asked;
  const memberId = told.memberId ?? subscriber.memberId;
  const dates = told.dates.length > 0 ? datesOf(told.dates) : undefined;
  const [number, name] = told.group;
  const more = number === '' ? {} : { additionalInformation: { group: { number, name } } };
  return {
    id: stamp.checkId,
    meta: { traceId: stamp.traceId, outboundTraceId: stamp.traceId },
    payerId: asked.payer,
    payer: {
      name: { organization: told.payerName },
      identification: asked.payer,
      type: 'PAYER',
    },
    provider: { name: { organization: asked.providerName }, npi: asked.npi, type: 'PROVIDER' },
    subscriber: {
      ...personOf(subscriber),
      ...(memberId && { memberId }),
      ...(dependent ? {} : { ...more, ...(dates && { dates }) }),
    },
    ...(dependent && {
      dependent: { ...personOf(dependent), ...more, ...(dates && { dates }) },
    }),
    ...(told.benefits.length > 0 && { plans: plansOf(told.benefits) }),
    ...(told.rejections.length > 0 && {
      errors: told.rejections.map(({ code, followUp, loop }) => ({
        code,
        description: `Reject reason ${code}`,
        followupAction: FOLLOW_UPS.nameOf(followUp) ?? '',
        location: loop.toUpperCase(),
      })),
    }),
    x12: write271(asked, told, stamp),
  };
}

function personOf({ firstName, lastName, dateOfBirth }: Person): JsonObject {
  const person = given({ firstName, lastName });
  return { name: { person: person as JsonObject }, ...(dateOfBirth && { dateOfBirth }) };
}

function datesOf(dates: readonly StatedDate[]): JsonObject {
  return Object.fromEntries(
    dates.flatMap(({ qualifier, start, end }) => {
      // Begin and end are one range there: 346 and 347 become `plan`.
      const name = DATES.nameOf(RANGES[qualifier] ?? qualifier);
      return name === undefined ? [] : [[name, { start, ...(end && { end }) }]];
    }),
  );
}

const RANGES: Readonly<Record<string, string>> = { '346': '291', '348': '292', '356': '307' };

function plansOf(benefits: readonly Benefit[]): JsonObject[] {
  const plans = Map.groupBy(benefits, ({ planName = '' }) => planName);
  return [...plans].map(([name, own]) => {
    const kinds = Map.groupBy(own, ({ code }) => keyOf(code));
    const lists = [...kinds].map(([key, list]) => [key, list.flatMap(entriesOf)]);
    return { ...(name !== '' && { name }), benefits: Object.fromEntries(lists) };
  });
}

function keyOf(code: string): string {
  if (STATUSES.nameOf(code) !== undefined) return 'statuses';
  return KINDS.nameOf(code) ?? 'benefitDescription';
}

function entriesOf(benefit: Benefit): JsonObject[] {
  const services = benefit.serviceTypes.length > 0 ? benefit.serviceTypes : [undefined];
  return services.map((service) => entryOf(benefit, service));
}

function entryOf(benefit: Benefit, service: string | undefined): JsonObject {
  const { messages, related, network, quantity, quantityKind } = benefit;
  const limits = benefit.deliveries.map(limitOf);
  return given({
    status: STATUSES.nameOf(benefit.code),
    coverageLevel: LEVELS.nameOf(benefit.level),
    insuranceType: INSURANCE_TYPES.nameOf(benefit.insuranceType),
    planCoverageDescription: benefit.planName,
    timePeriod: PERIODS.nameOf(benefit.period),
    amount: benefit.amount,
    percent: benefit.percent,
    quantity: quantity && { value: quantity, qualifier: QUANTITIES.nameOf(quantityKind) },
    priorAuthIndicator: AUTHORIZATIONS.nameOf(benefit.authorization),
    network: network && { indicator: NETWORKS.nameOf(network) },
    service: service && { system: 'STC', value: service },
    messages: messages.length > 0 ? [...messages] : undefined,
    serviceLimits: limits.length > 0 ? limits : undefined,
    relatedEntities: related.length > 0 ? related.map(relatedOf) : undefined,
  }) as JsonObject;
}

function limitOf(line: string): JsonObject {
  const [kind, value, , , period, count] = line.split('*');
  return {
    delivery: {
      quantity: { value: value ?? '', qualifier: QUANTITIES.nameOf(kind) ?? '' },
      period: { value: Number(count ?? 0), qualifier: PERIODS.nameOf(period) ?? '' },
    },
  };
}

const LISTS: Readonly<Record<string, string>> = {
  TE: 'phoneNumbers',
  UR: 'urls',
  EM: 'emails',
  FX: 'faxNumbers',
};

function relatedOf({ role, name, id, contacts }: Benefit['related'][number]): JsonObject {
  const lists = contacts.map((said) => {
    const [mode = '', number = ''] = said.split(/ (.*)/, 2);
    return { [LISTS[mode] ?? 'phoneNumbers']: [number] };
  });
  return given({
    type: ROLES.nameOf(role),
    name: name && { organization: name },
    payerId: id,
    contacts: lists.length > 0 ? lists : undefined,
  }) as JsonObject;
}
