/**
 * Reading FHIR elements out of accepted records. These never throw: a record was checked by the
 * shapes of its day, and a later projection must be able to read it (apply never rejects).
 */

import { isObject, type Json, type JsonObject } from '../../kernel/json.ts';

export type Element = Json | undefined;

export function objectOf(value: Element): JsonObject {
  return isObject(value) ? (value as JsonObject) : {};
}

/** The objects of a list; a single object counts as a list of one. */
export function objectsOf(value: Element): JsonObject[] {
  if (Array.isArray(value)) return value.filter(isObject) as JsonObject[];
  return isObject(value) ? [value as JsonObject] : [];
}

export function stringOf(value: Element): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

export function stringsOf(value: Element): string[] {
  return (Array.isArray(value) ? value : []).flatMap((one) => stringOf(one) ?? []);
}

/** Text of a CodeableConcept or Coding, else the first display, else the first code. */
export function conceptText(value: Element): string | undefined {
  const concept = objectOf(value);
  const codings = [...objectsOf(concept.coding), concept];
  return (
    stringOf(concept.text) ??
    codings.map(({ display }) => stringOf(display)).find(isGiven) ??
    codings.map(({ code }) => stringOf(code)).find(isGiven)
  );
}

export function conceptTexts(value: Element): string[] {
  return unique(objectsOf(value).flatMap((concept) => conceptText(concept) ?? []));
}

/** The first code of a CodeableConcept, such as `active`. */
export function codeOf(value: Element): string | undefined {
  const concept = objectOf(value);
  return [...objectsOf(concept.coding), concept].map(({ code }) => stringOf(code)).find(isGiven);
}

const SYSTEM_NAMES: Readonly<Record<string, string>> = {
  'http://loinc.org': 'LOINC',
  'http://snomed.info/sct': 'SNOMED',
  'http://www.nlm.nih.gov/research/umls/rxnorm': 'RxNorm',
  'http://hl7.org/fhir/sid/icd-10-cm': 'ICD-10-CM',
  'http://hl7.org/fhir/sid/cvx': 'CVX',
  'http://hl7.org/fhir/sid/ndc': 'NDC',
  'http://www.ama-assn.org/go/cpt': 'CPT',
};

/** `LOINC 4548-4`, one a coding. */
export function codesOf(...values: Element[]): string[] {
  const codings = values.flatMap(objectsOf).flatMap(({ coding }) => objectsOf(coding));
  return unique(
    codings.flatMap(({ system, code }) => {
      const given = stringOf(code);
      const name = SYSTEM_NAMES[stringOf(system) ?? ''];
      return given === undefined ? [] : [name === undefined ? given : `${name} ${given}`];
    }),
  );
}

/** The date part of a FHIR date or dateTime, as its source wrote it. */
export function dateOf(value: Element): string | undefined {
  const text = stringOf(value);
  return text !== undefined && /^\d{4}(-\d{2}){0,2}(T|$)/.test(text)
    ? text.slice(0, 10)
    : undefined;
}

/** `5.92 %`: at most six significant digits, for people. */
export function quantityText(value: Element): string | undefined {
  const { value: number, unit, code, comparator } = objectOf(value);
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  const shown = `${stringOf(comparator) ?? ''}${Number(number.toPrecision(6))}`;
  const name = stringOf(unit) ?? stringOf(code);
  return name === undefined || name === '1' || name.startsWith('{') ? shown : `${shown} ${name}`;
}

export function moneyText(value: Element): string | undefined {
  const { value: number, currency } = objectOf(value);
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return `${number.toFixed(2)} ${stringOf(currency) ?? 'USD'}`;
}

/** `{start, end}` as dates; undefined when neither is given. */
export function periodOf(value: Element): JsonObject | undefined {
  const { start, end } = objectOf(value);
  return compact({ start: dateOf(start), end: dateOf(end) });
}

/** The official name, else the first one. */
export function humanName(value: Element): string | undefined {
  const names = objectsOf(value);
  const name = names.find(({ use }) => use === 'official') ?? names[0];
  if (name === undefined) return undefined;
  const parts = [...stringsOf(name.prefix), ...stringsOf(name.given), stringOf(name.family) ?? ''];
  return stringOf(name.text) ?? stringOf([...parts, ...stringsOf(name.suffix)].join(' '));
}

export function addressText(value: Element): string | undefined {
  const { text, line, city, state, postalCode, country } = objectOf(value);
  const place = [stringOf(state), stringOf(postalCode)].filter(isGiven).join(' ');
  const parts = [...stringsOf(line), stringOf(city), stringOf(place), stringOf(country)];
  return stringOf(text) ?? stringOf(parts.filter(isGiven).join(', '));
}

/** How people call a directory record: its name, or what it is. */
export function displayName(resource: JsonObject): string | undefined {
  const { name, code, description } = resource;
  return (
    stringOf(name) ?? humanName(name) ?? conceptText(objectsOf(code)[0]) ?? stringOf(description)
  );
}

/** Values at a dotted path, through lists. */
export function valuesAt(resource: JsonObject, path: string): JsonObject[] {
  return path
    .split('.')
    .reduce((found, key) => found.flatMap((one) => objectsOf(one[key])), [resource]);
}

/** Without members that are undefined or empty lists; undefined when nothing is left. */
export function compact(fields: Readonly<Record<string, Element>>): JsonObject | undefined {
  const kept = Object.entries(fields).filter(
    (field): field is [string, Json] =>
      field[1] !== undefined && !(Array.isArray(field[1]) && field[1].length === 0),
  );
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

export function isGiven<T>(value: T | undefined): value is T {
  return value !== undefined;
}

export function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
