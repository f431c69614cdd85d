import type { JsonObject } from '../../../kernel/json.ts';
import {
  codeOf,
  codesOf,
  conceptText,
  conceptTexts,
  dateOf,
  isGiven,
  objectOf,
  objectsOf,
  quantityText,
  stringOf,
} from '../../fhir/elements.ts';
import { joined, noteOf } from './clinical.ts';
import type { Reading } from './reading.ts';

export const OBSERVATION: Reading = (record) => {
  const { resource } = record;
  const [range] = objectsOf(resource.referenceRange);
  return {
    title: conceptText(resource.code) ?? 'Observation',
    status: stringOf(resource.status) === 'final' ? undefined : stringOf(resource.status),
    date: observedOn(resource),
    details: {
      value: valueText(resource),
      interpretation: joined(conceptTexts(resource.interpretation)),
      reference: stringOf(range?.text) ?? rangeText(range),
      note: noteOf(record),
    },
    codes: codesOf(resource.code),
  };
};

export function observedOn(resource: JsonObject): string | undefined {
  const period = objectOf(resource.effectivePeriod);
  return dateOf(resource.effectiveDateTime) ?? dateOf(period.start) ?? dateOf(resource.issued);
}

/** The value with its unit; for panels, their components. */
export function valueText(resource: JsonObject): string | undefined {
  const own = ownValue(resource);
  if (own !== undefined) return own;
  const components = objectsOf(resource.component);
  const pressure = bloodPressure(components);
  if (pressure !== undefined) return pressure;
  return joined(
    components.flatMap((one) => {
      const value = ownValue(one);
      return value === undefined ? [] : [`${conceptText(one.code) ?? 'value'}: ${value}`];
    }),
  );
}

function ownValue(resource: JsonObject): string | undefined {
  const { valueQuantity, valueCodeableConcept, valueString, valueBoolean } = resource;
  const { valueInteger, valueDateTime, dataAbsentReason } = resource;
  return (
    quantityText(valueQuantity) ??
    conceptText(valueCodeableConcept) ??
    stringOf(valueString) ??
    (typeof valueBoolean === 'boolean' ? (valueBoolean ? 'yes' : 'no') : undefined) ??
    (typeof valueInteger === 'number' ? String(valueInteger) : undefined) ??
    dateOf(valueDateTime) ??
    (dataAbsentReason === undefined ? undefined : conceptText(dataAbsentReason))
  );
}

/** LOINC 8480-6 systolic and 8462-4 diastolic, as people write them: `120/80 mm[Hg]`. */
function bloodPressure(components: readonly JsonObject[]): string | undefined {
  const [systolic, diastolic] = ['8480-6', '8462-4'].map((code) =>
    objectOf(components.find((one) => codeOf(one.code) === code)?.valueQuantity),
  );
  if (typeof systolic?.value !== 'number' || typeof diastolic?.value !== 'number') return undefined;
  const [high, low] = [systolic, diastolic].map(({ value }) =>
    quantityText({ value: value ?? null }),
  );
  return [`${high}/${low}`, stringOf(systolic.unit)].filter(isGiven).join(' ');
}

/** The number that a trend is made of: the value, or the first component's (systolic first). */
export function numberOf(resource: JsonObject): { value: number; unit: string } | undefined {
  const components = objectsOf(resource.component);
  const systolic = components.find((one) => codeOf(one.code) === '8480-6');
  const quantity = objectOf(resource.valueQuantity ?? systolic?.valueQuantity);
  if (typeof quantity.value !== 'number') return undefined;
  return { value: quantity.value, unit: stringOf(quantity.unit) ?? '' };
}

function rangeText(range: JsonObject | undefined): string | undefined {
  if (range === undefined) return undefined;
  const [low, high] = [quantityText(range.low), quantityText(range.high)];
  return low === undefined && high === undefined ? undefined : `${low ?? ''}–${high ?? ''}`;
}
