import type { JsonObject } from '../../kernel/json.ts';
import { given } from '../given.ts';
import type { Benefit, Person, Rejection, StatedDate } from '../model.ts';
import { CONTACTS, FOLLOW_UPS, LEGACY_DATES, LEGACY_ROLES } from '../stedi/codes.ts';
import { compactDate } from '../stedi/requests.ts';
import type { Asked, Told } from './known.ts';
import { type Stamp, write271 } from './write-x12.ts';

/** The body of 2024-04-01: benefits of all kinds in one list, codes as X12 has them. */
export function writeLegacy(asked: Asked, told: Told, stamp: Stamp): JsonObject {
  const { subscriber, dependent } = asked;
  const errors = told.rejections.map(errorOf);
  const at = (loop: Rejection['loop']) => {
    const own = told.rejections.filter((one) => one.loop === loop).map(errorOf);
    return own.length === 0 ? {} : { aaaErrors: own };
  };
  const group = given({
    groupNumber: told.group[0] || undefined,
    groupDescription: told.group[1] || undefined,
    planDescription: told.planName,
  }) as JsonObject;
  return {
    ...{ controlNumber: stamp.control, reassociationKey: stamp.control, id: stamp.checkId },
    meta: { applicationMode: 'test', traceId: stamp.traceId, outboundTraceId: stamp.traceId },
    tradingPartnerServiceId: asked.payer,
    payer: { name: told.payerName, payorIdentification: asked.payer, ...at('payer') },
    provider: { npi: asked.npi, providerName: asked.providerName, ...at('provider') },
    subscriber: {
      ...personOf({ ...subscriber, ...(told.memberId && { memberId: told.memberId }) }),
      ...(dependent ? {} : group),
      ...at('subscriber'),
    },
    ...(dependent && {
      dependents: [{ ...personOf(dependent), ...group, ...at('dependent') }],
    }),
    ...(told.dates.length > 0 && { planDateInformation: datesOf(told.dates) }),
    ...(told.benefits.length > 0 && { benefitsInformation: told.benefits.map(benefitOf) }),
    errors,
    x12: write271(asked, told, stamp),
  };
}

const LOOPS = { payer: '2100A', provider: '2100B', subscriber: '2100C', dependent: '2100D' };

export function errorOf({ code, followUp, loop }: Rejection): JsonObject {
  return {
    field: 'AAA',
    code,
    description: `Reject reason ${code}`,
    followupAction: FOLLOW_UPS.nameOf(followUp) ?? '',
    location: loop === 'unknown' ? '' : `Loop ${LOOPS[loop]}`,
    possibleResolutions: 'Simulated.',
  };
}

function personOf({ memberId, firstName, lastName, dateOfBirth }: Person): JsonObject {
  const born = dateOfBirth && compactDate(dateOfBirth);
  return given({ memberId, firstName, lastName, dateOfBirth: born }) as JsonObject;
}

function datesOf(dates: readonly StatedDate[]): JsonObject {
  return Object.fromEntries(
    dates.flatMap(({ qualifier, start, end }) => {
      const name = LEGACY_DATES.nameOf(qualifier);
      const said = [start, end].flatMap((one) => (one ? compactDate(one) : [])).join('-');
      return name === undefined ? [] : [[name, said]];
    }),
  );
}

function benefitOf(benefit: Benefit): JsonObject {
  const { messages, dates, deliveries, places, related, serviceTypes } = benefit;
  return given({
    code: benefit.code,
    coverageLevelCode: benefit.level,
    serviceTypeCodes: serviceTypes.length > 0 ? [...serviceTypes] : undefined,
    insuranceTypeCode: benefit.insuranceType,
    planCoverage: benefit.planName,
    timeQualifierCode: benefit.period,
    benefitAmount: benefit.amount,
    benefitPercent: benefit.percent,
    quantityQualifierCode: benefit.quantityKind,
    benefitQuantity: benefit.quantity,
    authOrCertIndicator: benefit.authorization,
    inPlanNetworkIndicatorCode: benefit.network,
    additionalInformation:
      messages.length > 0 ? messages.map((description) => ({ description })) : undefined,
    benefitsDateInformation: dates.length > 0 ? datesOf(dates) : undefined,
    benefitsServiceDelivery: deliveries.length > 0 ? deliveries.map(deliveryOf) : undefined,
    eligibilityAdditionalInformationList: places.length > 0 ? places.map(placeOf) : undefined,
    benefitsRelatedEntities: related.length > 0 ? related.map(relatedOf) : undefined,
  }) as JsonObject;
}

function deliveryOf(line: string): JsonObject {
  const [kind, quantity, unit, modulus, period, count] = line.split('*');
  return given({
    quantityQualifierCode: kind || undefined,
    quantity: quantity || undefined,
    unitForMeasurementQualifierCode: unit || undefined,
    sampleSelectionModulus: modulus || undefined,
    timePeriodQualifierCode: period || undefined,
    numOfPeriods: count || undefined,
  }) as JsonObject;
}

function placeOf(line: string): JsonObject {
  const [codeListQualifierCode = '', industryCode = ''] = line.split('*');
  return { codeListQualifierCode, industryCode };
}

function relatedOf({ role, name, id, contacts }: Benefit['related'][number]): JsonObject {
  const listed = contacts.map((said) => {
    const [mode = '', number = ''] = said.split(/ (.*)/, 2);
    return { communicationMode: CONTACTS.nameOf(mode) ?? mode, communicationNumber: number };
  });
  return given({
    entityIdentifier: LEGACY_ROLES.nameOf(role),
    entityName: name,
    entityIdentificationValue: id,
    contactInformation: listed.length > 0 ? { contacts: listed } : undefined,
  }) as JsonObject;
}
