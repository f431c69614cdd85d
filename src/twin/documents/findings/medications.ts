import {
  codesOf,
  conceptText,
  conceptTexts,
  dateOf,
  type Element,
  isGiven,
  objectOf,
  objectsOf,
  quantityText,
  stringOf,
  unique,
} from '../../fhir/elements.ts';
import type { Finding } from '../fact.ts';
import type { MemberRecord, RecordSet } from '../records.ts';
import { joined, namesAt, noteOf, reasons } from './clinical.ts';
import type { Reading } from './reading.ts';

export const MEDICATIONS: Readonly<Record<string, Reading>> = {
  MedicationRequest: (record, set) => {
    const { resource } = record;
    const instructions = objectsOf(resource.dosageInstruction);
    return medication(record, set, dateOf(resource.authoredOn), {
      dosage: joined(unique(instructions.map(dosageText).filter(isGiven))),
      intent: stringOf(resource.intent) === 'order' ? undefined : stringOf(resource.intent),
      reason: reasons(record, set),
      prescriber: joined(namesAt(record, set, 'requester')),
      note: noteOf(record),
    });
  },
  MedicationStatement: (record, set) => {
    const { resource } = record;
    const period = objectOf(resource.effectivePeriod);
    const date = dateOf(resource.effectiveDateTime) ?? dateOf(period.start);
    return medication(record, set, date ?? dateOf(resource.dateAsserted), {
      dosage: joined(unique(objectsOf(resource.dosage).map(dosageText).filter(isGiven))),
      ended: dateOf(period.end),
      reason: reasons(record, set),
      note: noteOf(record),
    });
  },
  MedicationDispense: (record, set) => {
    const { resource } = record;
    const date = dateOf(resource.whenHandedOver) ?? dateOf(resource.whenPrepared);
    return medication(record, set, date, {
      quantity: quantityText(resource.quantity),
      supply: quantityText(resource.daysSupply),
      dosage: joined(unique(objectsOf(resource.dosageInstruction).map(dosageText).filter(isGiven))),
    });
  },
  MedicationAdministration: (record, set) => {
    const { resource } = record;
    const period = objectOf(resource.effectivePeriod);
    return medication(record, set, dateOf(resource.effectiveDateTime) ?? dateOf(period.start), {
      dose: quantityText(objectOf(resource.dosage).dose),
      reason: reasons(record, set),
    });
  },
};

function medication(
  record: MemberRecord,
  set: RecordSet,
  date: string | undefined,
  details: NonNullable<Finding['details']>,
): Finding {
  const { status, medicationCodeableConcept: concept, medicationReference } = record.resource;
  return {
    title: conceptText(concept) ?? set.nameOf(medicationReference, record) ?? 'Medication',
    status: stringOf(status),
    date,
    details,
    codes: codesOf(concept),
  };
}

const UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  min: 'minute',
  h: 'hour',
  d: 'day',
  wk: 'week',
  mo: 'month',
  a: 'year',
};

/** The source's own words, else dose and timing put into words. */
function dosageText(dosage: Element): string | undefined {
  const { text, timing, doseAndRate, asNeededBoolean, route } = objectOf(dosage);
  const given = stringOf(text);
  if (given !== undefined) return given;
  const doses = objectsOf(doseAndRate).map(({ doseQuantity }) => quantityText(doseQuantity));
  const parts = [
    doses.find(isGiven),
    timingText(timing),
    conceptText(route),
    asNeededBoolean === true ? 'as needed' : undefined,
    ...conceptTexts(objectOf(dosage).additionalInstruction),
  ];
  return stringOf(parts.filter(isGiven).join(' '));
}

function timingText(timing: Element): string | undefined {
  const { repeat, code } = objectOf(timing);
  const { frequency, period, periodUnit } = objectOf(repeat);
  const unit = UNITS[stringOf(periodUnit) ?? ''];
  if (typeof frequency !== 'number' || typeof period !== 'number' || unit === undefined) {
    return conceptText(code);
  }
  const times = frequency === 1 ? 'once' : `${frequency} times`;
  return period === 1 ? `${times} a ${unit}` : `${times} every ${period} ${unit}s`;
}
