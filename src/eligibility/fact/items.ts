import type { JsonObject } from '../../kernel/json.ts';
import { given } from '../given.ts';
import type { Answer, Related } from '../model.ts';
import { type Accumulated, accumulated, type Line } from './amounts.ts';
import { COUNTED, NETWORKS, serviceText, TERMS, UNITS } from './words.ts';

/** One item of `CoverageEligibilityResponse.insurance`, and which service it is about. */
export interface Item {
  readonly service: string | undefined;
  readonly json: JsonObject;
}

/**
 * EB01 to items, what people ask first before the rest: deductible, out-of-pocket maximum, copay,
 * coinsurance, limits, then what is excluded and whom to ask. What has no place in the document
 * (statements of activity, descriptions, disclaimers) stays in the raw answer.
 */
export function itemsOf(answer: Answer): Item[] {
  const lines = answer.benefits.flatMap(({ serviceTypes, ...benefit }): Line[] =>
    serviceTypes.length === 0
      ? [{ ...benefit, service: undefined }]
      : serviceTypes.map((service) => ({ ...benefit, service })),
  );
  const plans = new Set(lines.flatMap(({ planName }) => planName ?? []));
  const of = (code: string) => lines.filter((line) => line.code === code);
  const items = KINDS.flatMap(([code, write]) => write(of(code)));
  return items
    .map(({ service, json, line }) => ({
      service,
      json: { ...about(line, plans.size > 1), ...json },
    }))
    .toSorted((a, b) => Number(a.service !== PLAN) - Number(b.service !== PLAN));
}

const PLAN = '30';

interface Written extends Item {
  readonly line: Line;
}
type Write = (lines: readonly Line[]) => Written[];

const KINDS: readonly (readonly [code: string, write: Write])[] = [
  ['C', money('deductible', 'Deductible')],
  ['G', money('out-of-pocket', 'Out-of-pocket maximum')],
  ['B', (lines) => lines.flatMap(copay)],
  ['A', (lines) => lines.flatMap(coinsurance)],
  ['F', (lines) => [...counts(lines), ...money('benefit', 'Limit')(lines.filter(isMoney))]],
  ['K', (lines) => counts(lines)],
  ['Y', money('benefit', 'Spend-down')],
  ['I', said('Not covered', { excluded: true })],
  ['E', said('Excluded', { excluded: true })],
  ['6', (lines) => said('Not active', { excluded: true })(lines.filter(isOneService))],
  ['H', said('Unlimited')],
  ['CB', said('Basis of coverage')],
  ['J', said('Cost containment')],
  ['N', said('Restricted to a provider')],
  ['L', said('Primary care provider')],
  ['U', said('Ask elsewhere')],
  ['R', said('Other insurance')],
];

function isMoney({ amount }: Line): boolean {
  return amount !== undefined;
}

/** Of the plan itself it is the status, and no benefit. */
function isOneService({ service }: Line): boolean {
  return service !== undefined && service !== PLAN;
}

const coded = (code: string, text: string): JsonObject => ({ coding: [{ code }], text });

function money(code: string, text: string): Write {
  return (lines) =>
    accumulated(lines.filter(isMoney), ({ amount }) => amount).map(
      ({ line, total, used, left }) => ({
        ...{ line, service: line.service },
        json: {
          benefit: [
            {
              type: coded(code, text),
              ...given({ allowedMoney: usd(total), usedMoney: usd(used) }),
              ...(left !== undefined && {
                extension: [remaining({ valueMoney: usd(left) ?? null })],
              }),
            },
          ],
        },
      }),
    );
}

function usd(said: string | undefined): JsonObject | undefined {
  return said === undefined ? undefined : { value: Number(said), currency: 'USD' };
}

/** FHIR R4 has no remaining amount; Da Vinci PCT names this extension. */
function remaining(value: JsonObject): JsonObject {
  return {
    url: 'http://hl7.org/fhir/us/davinci-pct/StructureDefinition/benefit-remaining',
    ...value,
  };
}

function copay(line: Line): Written[] {
  const allowedMoney = usd(line.amount);
  if (allowedMoney === undefined) return [];
  const benefit = [{ type: coded('copay', 'Copay'), allowedMoney }];
  return [{ line, service: line.service, json: { benefit } }];
}

/**
 * EB08 is a fraction: `0.2`. A payer that writes `20` means 20 % as well: nobody pays twenty times
 * the price.
 */
function coinsurance(line: Line): Written[] {
  if (line.percent === undefined) return [];
  const said = Number(line.percent);
  const percent = Number((said > 1 ? said : said * 100).toFixed(4));
  if (percent < 0 || percent > 100) return [];
  const value = Number.isInteger(percent)
    ? { allowedUnsignedInt: percent }
    : { allowedString: `${percent} %` };
  const benefit = [{ type: coded('copay-percent', 'Coinsurance'), ...value }];
  return [{ line, service: line.service, json: { benefit } }];
}

function counts(lines: readonly Line[]): Written[] {
  const counted = lines.filter(({ quantity }) => /^\d{1,9}$/.test(quantity ?? ''));
  return accumulated(counted, ({ quantity }) => quantity).map(({ line, ...parts }) => ({
    ...{ line, service: line.service },
    json: { benefit: [countOf(line, parts)] },
  }));
}

function countOf(line: Line, { total, used, left }: Omit<Accumulated, 'line'>): JsonObject {
  const text = COUNTED[line.quantityKind ?? ''] ?? 'Limit';
  const whole = (said: string | undefined) => (said === undefined ? undefined : Number(said));
  return {
    type: coded('visit', text),
    ...given({ allowedUnsignedInt: whole(total), usedUnsignedInt: whole(used) }),
    ...(left !== undefined && { extension: [remaining({ valueUnsignedInt: Number(left) })] }),
  };
}

function said(text: string, more: JsonObject = {}): Write {
  return (lines) =>
    lines.map((line) => ({
      ...{ line, service: line.service },
      json: { ...more, benefit: [{ type: { text } }] },
    }));
}

/** What names a benefit; notes tell apart those that else look alike. */
function about(line: Line, isOneOfPlans: boolean): JsonObject {
  const { service, level = '', network = '', period = '', procedure, planName } = line;
  const note = [
    ...(isOneOfPlans && planName ? [planName] : []),
    ...line.messages,
    ...(procedure === undefined ? [] : [procedure]),
    ...line.related.flatMap(relatedText),
  ].join('; ');
  const text = (words: Readonly<Record<string, string>>, code: string) =>
    words[code] === undefined ? undefined : { coding: [{ code }], text: words[code] };
  return given({
    category: service && {
      coding: [{ system: 'https://x12.org/codes/service-type-codes', code: service }],
      text: serviceText(service),
    },
    network: text(NETWORKS, network),
    unit: text(UNITS, level),
    term: TERMS[period] === undefined ? undefined : { text: TERMS[period] },
    description: note === '' ? undefined : note.slice(0, NOTE_CHARS_MAX),
    authorizationRequired: line.authorization === 'Y' ? true : undefined,
  }) as JsonObject;
}

const NOTE_CHARS_MAX = 500;

function relatedText({ name, contacts }: Related): string[] {
  const all = [...(name === undefined ? [] : [name]), ...contacts];
  return all.length === 0 ? [] : [all.join(', ')];
}
