import type { JsonObject } from '../../kernel/json.ts';
import { given } from '../given.ts';
import type { Answer, Benefit, FormFault, Related, StatedDate, Told } from '../model.ts';
import { isoDay, statedDate } from '../x12/values.ts';
import { CONTACTS, LEGACY_DATES, LEGACY_ROLES } from './codes.ts';
import { lineOf, Node } from './read.ts';
import { rejectionsOf } from './rejections.ts';

/**
 * `benefitsInformation` of 2024-04-01, also what batches give. Lenient: what has another form than
 * described is told in `faults` and left out, the rest is read.
 * @param raw the text that `json` was read from, or of this item alone in a page of a batch
 */
export function decodeLegacy(json: JsonObject, raw: string): Answer {
  const faults: FormFault[] = [];
  const root = new Node(json, '', faults);
  const dependents = root.list('dependents');
  if (dependents.length > 1) faults.push({ code: 'several-patients', path: 'dependents' });
  const oneOnly = dependents.length < 2;
  return {
    shape: 'json-2024-04-01',
    raw,
    ...given({ checkId: root.text('id') }),
    traceIds: tracesOf(root),
    payer: given({
      id: root.at('payer').text('payorIdentification') ?? root.text('tradingPartnerServiceId'),
      name: root.at('payer').text('name'),
    }),
    ...given({
      subscriber: toldOf(root.at('subscriber'), root.at('planInformation')),
      dependent: oneOnly && dependents[0] ? toldOf(dependents[0], undefined) : undefined,
    }),
    dates: datesOf(root.at('planDateInformation')),
    benefits: oneOnly ? root.list('benefitsInformation').flatMap(benefitOf) : [],
    rejections: rejectionsOf([
      ...['payer', 'provider', 'subscriber'].flatMap((key) => aaaOf(root.at(key), key)),
      ...dependents.flatMap((one) => aaaOf(one, 'dependent')),
      ...root.list('errors').map((node) => ({ node })),
    ]),
    faults,
  };
}

function aaaOf(node: Node, loop: string) {
  return node.list('aaaErrors').map((one) => ({
    node: one,
    loop: loop as 'payer' | 'provider' | 'subscriber' | 'dependent',
  }));
}

function tracesOf(root: Node): string[] {
  const meta = root.at('meta');
  const numbers = root
    .list('subscriberTraceNumbers')
    .flatMap((one) => one.text('referenceIdentification') ?? []);
  const own = ['traceId', 'outboundTraceId'].flatMap((key) => meta.text(key) ?? []);
  return [...new Set([...own, ...numbers])];
}

function toldOf(person: Node, plan: Node | undefined): Told {
  return given({
    memberId: person.text('memberId'),
    firstName: person.text('firstName'),
    lastName: person.text('lastName'),
    dateOfBirth: isoDay(person.text('dateOfBirth')),
    groupNumber: person.text('groupNumber') ?? plan?.text('groupNumber'),
    groupName: person.text('groupDescription') ?? plan?.text('groupDescription'),
    planName: person.text('planDescription') ?? plan?.text('planDescription'),
  });
}

function datesOf(node: Node): StatedDate[] {
  return LEGACY_DATES.rows.flatMap(([qualifier, key]) => {
    const said = node.text(key);
    if (said === undefined) return [];
    const date = statedDate(qualifier, said);
    if (date === undefined)
      node.faults.push({ code: 'unreadable-value', path: `${node.path}.${key}` });
    return date ?? [];
  });
}

function benefitOf(node: Node): Benefit[] {
  const code = node.code('code');
  if (code === undefined) {
    node.faults.push({ code: 'unreadable-segment', path: node.path });
    return [];
  }
  const procedure = node.at('compositeMedicalProcedureIdentifier');
  const system = procedure.text('productOrServiceIDQualifierCode');
  const procedureCode = procedure.text('procedureCode') ?? procedure.text('productOrServiceID');
  return [
    {
      path: node.path,
      code,
      ...given({
        level: node.code('coverageLevelCode'),
        insuranceType: node.code('insuranceTypeCode'),
        planName: node.text('planCoverage'),
        period: node.code('timeQualifierCode'),
        amount: node.decimal('benefitAmount'),
        percent: node.decimal('benefitPercent'),
        quantityKind: node.code('quantityQualifierCode'),
        quantity: node.decimal('benefitQuantity'),
        authorization: node.code('authOrCertIndicator'),
        network: node.code('inPlanNetworkIndicatorCode'),
        procedure: system && procedureCode && `${system}:${procedureCode}`,
      }),
      serviceTypes: node.texts('serviceTypeCodes'),
      dates: datesOf(node.at('benefitsDateInformation')),
      messages: node.list('additionalInformation').flatMap((one) => one.text('description') ?? []),
      deliveries: node.list('benefitsServiceDelivery').flatMap(deliveryOf),
      places: placesOf(node),
      related: relatedOf(node),
    },
  ];
}

function deliveryOf(node: Node): string[] {
  return lineOf(
    node.code('quantityQualifierCode'),
    node.text('quantity'),
    node.code('unitForMeasurementQualifierCode'),
    node.text('sampleSelectionModulus'),
    node.code('timePeriodQualifierCode'),
    node.text('numOfPeriods'),
    node.code('deliveryOrCalendarPatternQualifierCode'),
    node.code('deliveryPatternTimeQualifierCode'),
  );
}

function placesOf(node: Node): string[] {
  const list = node.list('eligibilityAdditionalInformationList');
  const all = list.length > 0 ? list : node.list('eligibilityAdditionalInformation');
  return all.flatMap((one) => lineOf(one.code('codeListQualifierCode'), one.text('industryCode')));
}

function relatedOf(node: Node): Related[] {
  const list = node.list('benefitsRelatedEntities');
  const all = list.length > 0 ? list : node.list('benefitsRelatedEntity');
  return all.flatMap((one) => {
    const role = one.named('entityIdentifier', LEGACY_ROLES);
    if (role === undefined) return [];
    const parts = [one.text('entityFirstname'), one.text('entityMiddlename')];
    const name = [...parts, one.text('entityName')].filter((part) => part !== undefined).join(' ');
    const contacts = one.at('contactInformation').list('contacts').flatMap(contactOf);
    const id = one.text('entityIdentificationValue');
    return { role, contacts, ...given({ name: name === '' ? undefined : name, id }) };
  });
}

function contactOf(node: Node): string[] {
  const mode = node.named('communicationMode', CONTACTS) ?? node.code('communicationMode');
  const number = node.text('communicationNumber');
  return mode === undefined || number === undefined ? [] : [`${mode} ${number}`];
}
