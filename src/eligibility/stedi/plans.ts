import type { JsonObject } from '../../kernel/json.ts';
import { given } from '../given.ts';
import type { Answer, Benefit, FormFault, Loop, Related, StatedDate, Told } from '../model.ts';
import { isDay } from '../x12/values.ts';
import {
  AUTHORIZATIONS,
  DATES,
  INSURANCE_TYPES,
  KINDS,
  LEVELS,
  NETWORKS,
  PERIODS,
  QUANTITIES,
  ROLES,
  STATUSES,
} from './codes.ts';
import { lineOf, Node } from './read.ts';
import { rejectionsOf } from './rejections.ts';

/**
 * `plans` of 2026-06-01. Lenient as `decodeLegacy`. What the clearinghouse lists under
 * `invalidEntries` was said by the payer nevertheless, and is read with the values that it has.
 */
export function decodePlans(json: JsonObject, raw: string): Answer {
  const faults: FormFault[] = [];
  const root = new Node(json, '', faults);
  const subscriber = root.has('subscriber') ? root.at('subscriber') : undefined;
  const dependent = root.has('dependent') ? root.at('dependent') : undefined;
  const payer = root.at('payer');
  return {
    shape: 'json-2026-06-01',
    raw,
    ...given({ checkId: root.text('id') }),
    traceIds: tracesOf(root.at('meta')),
    payer: given({ id: payer.text('identification') ?? root.text('payerId'), name: nameOf(payer) }),
    ...given({
      subscriber: subscriber && toldOf(subscriber),
      dependent: dependent && toldOf(dependent),
    }),
    dates: [dependent, subscriber].flatMap((one) => (one ? rangesOf(one.at('dates')) : [])),
    benefits: root.list('plans').flatMap(planOf),
    rejections: rejectionsOf([
      ...root.list('errors').map((node) => ({ node })),
      ...LOOPS.flatMap((loop) =>
        root
          .at(loop)
          .list('errors')
          .map((node) => ({ node, loop })),
      ),
    ]),
    faults,
  };
}

const LOOPS: readonly Loop[] = ['payer', 'provider', 'subscriber', 'dependent'];

function tracesOf(meta: Node): string[] {
  const numbers = meta
    .list('subscriberTraceNumbers')
    .flatMap((one) => one.text('referenceIdentification') ?? []);
  const own = ['traceId', 'outboundTraceId'].flatMap((key) => meta.text(key) ?? []);
  return [...new Set([...own, ...numbers])];
}

function nameOf(node: Node): string | undefined {
  const name = node.at('name');
  const person = name.at('person');
  const parts = ['firstName', 'middleName', 'lastName'].map((key) => person.text(key));
  const full = parts.filter((part) => part !== undefined).join(' ');
  return name.text('organization') ?? (full === '' ? undefined : full);
}

function toldOf(node: Node): Told {
  const person = node.at('name').at('person');
  const more = node.at('additionalInformation');
  const born = node.text('dateOfBirth');
  return given({
    memberId: node.text('memberId') ?? more.text('memberId'),
    firstName: person.text('firstName'),
    lastName: person.text('lastName'),
    dateOfBirth: born !== undefined && isDay(born) ? born : undefined,
    groupNumber: more.at('group').text('number'),
    groupName: more.at('group').text('name'),
    planName: more.at('plan').text('name'),
  });
}

function rangesOf(node: Node): StatedDate[] {
  return DATES.rows.flatMap(([qualifier, key]) => node.range(key, qualifier) ?? []);
}

function planOf(plan: Node): Benefit[] {
  const name = plan.text('name');
  const benefits = plan.at('benefits');
  const invalid = benefits.at('invalidEntries');
  return [benefits, invalid].flatMap((all) => [
    ...all.list('statuses').flatMap((node) => {
      const code = node.named('status', STATUSES);
      if (code === undefined) node.faults.push({ code: 'unreadable-segment', path: node.path });
      return code === undefined ? [] : benefitOf(node, code, name);
    }),
    ...KINDS.rows.flatMap(([code, key]) =>
      all.list(key).map((node) => benefitOf(node, code, name)),
    ),
  ]);
}

function benefitOf(node: Node, code: string, plan: string | undefined): Benefit {
  const service = node.at('service');
  const system = service.text('system');
  const value = service.text('value');
  const isType = system === 'STC' && value !== undefined;
  return {
    path: node.path,
    code,
    ...given({
      level: node.named('coverageLevel', LEVELS),
      insuranceType: node.named('insuranceType', INSURANCE_TYPES),
      planName: node.text('planCoverageDescription') ?? plan,
      period: node.named('timePeriod', PERIODS),
      amount: node.decimal('amount'),
      percent: node.decimal('percent'),
      quantityKind: node.at('quantity').named('qualifier', QUANTITIES),
      quantity: node.at('quantity').decimal('value'),
      authorization: node.named('priorAuthIndicator', AUTHORIZATIONS),
      network: node.at('network').named('indicator', NETWORKS),
      procedure: !isType && system && value ? `${system}:${value}` : undefined,
    }),
    serviceTypes: isType ? [value] : [],
    dates: rangesOf(node.at('dates')),
    messages: node.texts('messages'),
    deliveries: node.list('serviceLimits').flatMap((one) => deliveryOf(one.at('delivery'))),
    places: node.list('placesOfService').flatMap((one) => {
      const place = one.code('code');
      return place === undefined ? [] : [`ZZ*${place}`];
    }),
    related: node.list('relatedEntities').flatMap(relatedOf),
  };
}

function deliveryOf(node: Node): string[] {
  const [quantity, period] = [node.at('quantity'), node.at('period')];
  return lineOf(
    quantity.named('qualifier', QUANTITIES),
    quantity.text('value'),
    undefined,
    undefined,
    period.named('qualifier', PERIODS),
    period.text('value'),
  );
}

function relatedOf(node: Node): Related[] {
  const role = node.named('type', ROLES);
  if (role === undefined) return [];
  const contacts = node
    .list('contacts')
    .flatMap((one) =>
      CONTACT_LISTS.flatMap(([mode, key]) => one.texts(key).map((said) => `${mode} ${said}`)),
    );
  const ids = ['payerId', 'npi', 'serviceProviderNumber', 'memberId', 'tin'];
  const id = ids.map((key) => node.text(key)).find((one) => one !== undefined);
  return [{ role, contacts, ...given({ name: nameOf(node), id }) }];
}

const CONTACT_LISTS = [
  ['TE', 'phoneNumbers'],
  ['EM', 'emails'],
  ['FX', 'faxNumbers'],
  ['ED', 'ediNumbers'],
  ['UR', 'urls'],
] as const;
