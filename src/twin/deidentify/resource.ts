import type { JsonObject } from '../../kernel/json.ts';
import { isObject } from '../../kernel/json.ts';
import type { ResourceJson } from '../ports.ts';
import classes from './classes.json' with { type: 'json' };
import fields from './fields.json' with { type: 'json' };
import { stateOf, zip3Of } from './geography.ts';

export type SafeHarborClass = keyof typeof classes.classes;

/** Which of the 18 identifiers a FHIR element is, by its name; free text may hold any. */
export function classOf(element: string): SafeHarborClass | undefined {
  const table: Readonly<Record<string, string>> = classes.fields;
  return Object.hasOwn(table, element) ? (table[element] as SafeHarborClass) : undefined;
}

export interface DeidentifyOptions {
  /** `Type/id` to a name that nobody can take back to it. */
  pseudonym(reference: string): string;
  /** The year in which it is read: whoever is over 89 by then is `90+`. */
  readonly year: number;
}

const AGE_MAX = 89;
const set = (names: readonly string[]): ReadonlySet<string> => new Set(names);
const OBJECTS = set(fields.objects);
const CODES = set(fields.codes);
const NUMBERS = set(fields.numbers);
const BOOLEANS = set(fields.booleans);
const DATES = set(fields.dates);
const REFERENCES = set(fields.references);
const patterns = (rows: Readonly<Record<string, string>>): [string, RegExp][] =>
  Object.entries(rows).map(([system, pattern]) => [system, new RegExp(pattern)]);
const SYSTEMS = new Map(patterns(fields.systems));
const PREFIXES = patterns(fields.systemPrefixes);
const AGE_CODES = set(fields.ageCodes);
const TYPES = set(fields.types);
/** FHIR's own words: a name that stands where one of them should is none. */
const WORDS = set(fields.words);
/** More digits may be somebody's number. */
const NUMBER_MAX = 1_000_000;

/**
 * A record as Safe Harbor lets it be told (45 CFR 164.514(b)(2)): what is on no list is left out, of
 * dates the year stays, of an address the state and three digits, of ages what is over 89 is `90+`,
 * free text and the words beside codes go, ids become pseudonyms.
 * @returns `undefined` for a type of which nothing is told
 */
export function deidentify(
  resource: ResourceJson,
  options: DeidentifyOptions,
): JsonObject | undefined {
  const { resourceType, id } = resource;
  if (!TYPES.has(resourceType)) return undefined;
  const kept = objectOf(resource, options, 0);
  const told = isAge(resource) ? capped(kept) : kept;
  const person = resourceType === 'Patient' ? personOf(resource, options) : {};
  const { birthDate: _, ...rest } = told;
  const of = resourceType === 'Patient' ? rest : told;
  return { resourceType, id: options.pseudonym(`${resourceType}/${String(id)}`), ...of, ...person };
}

/** Year of birth, or that it is over 89; the state, and three digits of the ZIP code. */
function personOf(resource: ResourceJson, { year }: DeidentifyOptions): JsonObject {
  const born = yearOf(resource.birthDate);
  const died = yearOf(resource.deceasedDateTime);
  const isOld = born !== undefined && (died ?? year) - born > AGE_MAX;
  const [home] = Array.isArray(resource.address) ? resource.address : [];
  const address = isObject(home) ? { ...stateOf(home.state), ...zip3Of(home.postalCode) } : {};
  return {
    ...(born !== undefined && (isOld ? { age: '90+' } : { birthYear: born })),
    ...(Object.keys(address).length > 0 && { address }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

const DEPTH_MAX = 12;

function objectOf(from: Fields, options: DeidentifyOptions, depth: number): JsonObject {
  if (depth > DEPTH_MAX) return {};
  const kept = Object.entries(from).flatMap(([name, value]): [string, unknown][] => {
    const told = fieldOf(name, value, options, depth);
    return told === undefined ? [] : [[name, told]];
  });
  return Object.fromEntries(kept) as JsonObject;
}

function fieldOf(name: string, value: unknown, options: DeidentifyOptions, depth: number): unknown {
  if (name === 'resourceType' || name === 'meta') return undefined;
  if (REFERENCES.has(name)) return referenceOf(value, options);
  if (DATES.has(name)) return yearTold(value, options);
  if (Array.isArray(value)) {
    const told = value.flatMap((one) => fieldOf(name, one, options, depth) ?? []);
    return told.length === 0 ? undefined : told;
  }
  if (isObject(value)) return OBJECTS.has(name) ? insideOf(name, value, options, depth) : undefined;
  if (typeof value === 'number') {
    return NUMBERS.has(name) && Math.abs(value) < NUMBER_MAX ? value : undefined;
  }
  if (typeof value === 'boolean') return BOOLEANS.has(name) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  if (name === 'currency' && /^[A-Z]{3}$/.test(value)) return value;
  return CODES.has(name) && WORDS.has(value) ? value : undefined;
}

function insideOf(
  name: string,
  value: Fields,
  options: DeidentifyOptions,
  depth: number,
): JsonObject | undefined {
  if (name === 'coding' || name === 'class' || name === 'security') {
    const coding = codingOf(value);
    if (coding !== undefined || name !== 'class') return coding;
  }
  const kept = objectOf(value, options, depth + 1);
  const told = name.endsWith('Age') || isAge(value) ? capped(kept) : withUnit(kept, value);
  return Object.keys(told).length === 0 ? undefined : told;
}

/** A code of a public system alone; one of somebody's own may count their patients. */
function codingOf({ system, code }: Fields): JsonObject | undefined {
  if (typeof system !== 'string' || typeof code !== 'string') return undefined;
  return patternOf(system)?.test(code) === true ? { system, code } : undefined;
}

/** How a code of this system looks; what does not look like one may be anybody's number. */
function patternOf(system: string): RegExp | undefined {
  const known = SYSTEMS.get(system);
  if (known !== undefined) return known;
  return PREFIXES.find(([prefix]) => system.startsWith(prefix))?.[1];
}

/** Of a quantity the unit's code, where it is UCUM's. */
function withUnit(kept: JsonObject, { system, code, value }: Fields): JsonObject {
  if (typeof value !== 'number' || system !== 'http://unitsofmeasure.org') return kept;
  const isUnit = typeof code === 'string' && /^[A-Za-z0-9%[\]{}./*^'-]{1,16}$/.test(code);
  return isUnit ? { ...kept, code } : kept;
}

/** An observation, or a part of one, that says how old somebody is. */
function isAge({ code }: Fields): boolean {
  const codings = isObject(code) && Array.isArray(code.coding) ? code.coding : [];
  return codings.some((one) => isObject(one) && AGE_CODES.has(String(one.code)));
}

/** Every number over 89 in what tells an age. */
function capped(value: JsonObject): JsonObject {
  const cap = (one: unknown): unknown => {
    if (typeof one === 'number') return one > AGE_MAX ? '90+' : one;
    if (Array.isArray(one)) return one.map(cap);
    return isObject(one) ? capped(one as JsonObject) : one;
  };
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, cap(v)])) as JsonObject;
}

function referenceOf(value: unknown, { pseudonym }: DeidentifyOptions): JsonObject | undefined {
  const reference = isObject(value) ? value.reference : undefined;
  if (typeof reference !== 'string' || !/^[A-Z][A-Za-z]+\/\S{1,64}$/.test(reference))
    return undefined;
  return { reference: pseudonym(reference) };
}

function yearOf(value: unknown): number | undefined {
  const [, year] = typeof value === 'string' ? (/^(\d{4})(?:-|$)/.exec(value) ?? []) : [];
  return year === undefined ? undefined : Number(year);
}

/** A year so long ago that whoever lived then is over 89 tells that they are. */
function yearTold(value: unknown, { year }: DeidentifyOptions): number | undefined {
  const told = yearOf(value);
  return told === undefined || told < year - AGE_MAX ? undefined : told;
}
