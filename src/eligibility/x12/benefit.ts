import { given } from '../given.ts';
import type { Benefit, FormFault, Related, StatedDate } from '../model.ts';
import { place } from './envelope.ts';
import type { Segment, Tokens } from './tokenize.ts';
import { codeOf, decimalOf, statedDate, textOf } from './values.ts';

type Marks = Pick<Tokens, 'repetition' | 'component'>;

interface Related120 {
  readonly role: string;
  readonly name: string | undefined;
  readonly id: string | undefined;
  readonly contacts: string[];
}

/** What follows an EB until the next one: loops 2110 and 2120. */
export interface Group {
  readonly eb: Segment;
  readonly rest: readonly Segment[];
}

export function groupsOf(segments: readonly Segment[]): Group[] {
  const groups: { eb: Segment; rest: Segment[] }[] = [];
  for (const segment of segments) {
    if (segment.id === 'EB') groups.push({ eb: segment, rest: [] });
    else groups.at(-1)?.rest.push(segment);
  }
  return groups;
}

/** 2110: undefined, with a fault, where EB01 says nothing: then it is no benefit. */
export function benefitOf(
  { eb, rest }: Group,
  marks: Marks,
  faults: FormFault[],
): Benefit | undefined {
  const [code, level, types, insurance, plan, period, money, percent, ...more] = eb.elements;
  const [kind, count, authorization, network, procedure] = more;
  const eb01 = codeOf(code);
  if (eb01 === undefined) {
    faults.push({ code: 'unreadable-segment', path: place(eb) });
    return undefined;
  }
  const number = (text: string | undefined): string | undefined => {
    const said = decimalOf(text);
    if (said === undefined && textOf(text) !== undefined) {
      faults.push({ code: 'unreadable-value', path: place(eb) });
    }
    return said;
  };
  return {
    path: place(eb),
    code: eb01,
    ...given({
      level: codeOf(level),
      insuranceType: codeOf(insurance),
      planName: textOf(plan),
      period: codeOf(period),
      amount: number(money),
      percent: number(percent),
      quantityKind: codeOf(kind),
      quantity: number(count),
      authorization: codeOf(authorization),
      network: codeOf(network),
      procedure: textOf(procedure?.split(marks.component).join(':')),
    }),
    serviceTypes: (types ?? '').split(marks.repetition).flatMap((one) => codeOf(one) ?? []),
    dates: datesOf(rest, faults),
    messages: rest.flatMap(({ id, elements }) => (id === 'MSG' ? (textOf(elements[0]) ?? []) : [])),
    deliveries: linesOf(rest, 'HSD'),
    places: linesOf(rest, 'III'),
    related: relatedOf(rest),
  };
}

/** DTP; an unreadable one is told and left out. */
export function datesOf(segments: readonly Segment[], faults: FormFault[]): StatedDate[] {
  return segments.flatMap((segment) => {
    if (segment.id !== 'DTP') return [];
    const [qualifier, , said] = segment.elements;
    const date = statedDate(codeOf(qualifier), said);
    if (date === undefined) faults.push({ code: 'unreadable-value', path: place(segment) });
    return date ?? [];
  });
}

function linesOf(segments: readonly Segment[], wanted: string): string[] {
  return segments.flatMap(({ id, elements }) =>
    id === wanted ? (textOf(elements.join('*')) ?? []) : [],
  );
}

/** 2120, whether or not LS and LE stand around it. */
function relatedOf(segments: readonly Segment[]): Related[] {
  const found: Related120[] = [];
  for (const { id, elements } of segments) {
    const role = codeOf(elements[0]);
    if (id === 'NM1' && role !== undefined) {
      found.push({ role, name: nameOf(elements), id: textOf(elements[8]), contacts: [] });
    } else if (id === 'PER') found.at(-1)?.contacts.push(...contactsOf(elements));
  }
  return found.map(({ role, name, id, contacts }) => ({ role, contacts, ...given({ name, id }) }));
}

/** NM102 `2` is an organization, whose name is NM103. */
export function nameOf(elements: readonly string[]): string | undefined {
  const [, kind, last, first, middle] = elements;
  const parts = kind === '2' ? [last] : [first, middle, last];
  return textOf(parts.filter((part) => part !== undefined && part.trim() !== '').join(' '));
}

/** PER03-08: pairs of qualifier and number. */
function contactsOf(elements: readonly string[]): string[] {
  return [2, 4, 6].flatMap((at) => {
    const kind = codeOf(elements[at]);
    const number = textOf(elements[at + 1]);
    return kind === undefined || number === undefined ? [] : [`${kind} ${number}`];
  });
}
