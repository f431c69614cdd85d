import type { FormFault } from '../model.ts';

/** One segment: `NM1*IL*1*DOE` is id `NM1`, elements `IL`, `1`, `DOE`. */
export interface Segment {
  readonly id: string;
  /** NM101 is `elements[0]`; those that are missing count as empty. */
  readonly elements: readonly string[];
  /** From 1, the ISA included. */
  readonly number: number;
}

export interface Tokens {
  readonly segments: readonly Segment[];
  readonly repetition: string;
  readonly component: string;
  readonly faults: readonly FormFault[];
}

interface Delimiters {
  readonly element: string;
  readonly repetition: string;
  readonly component: string;
  readonly terminator: string;
}

/** An answer is some kilobytes; what is longer is none of a payer. Characters. */
export const X12_CHARS_MAX = 4_000_000;
const SEGMENTS_MAX = 50_000;
/** No segment of 005010 has more. */
const ELEMENTS_MAX = 64;

const DEFAULTS: Delimiters = { element: '*', repetition: '^', component: ':', terminator: '~' };
const SEGMENT_ID = /^[A-Z][A-Z0-9]{1,2}$/;
const ISA_ELEMENTS = 16;

/** X12.5: delimiters stand in the ISA. Without one the usual ones are tried, and a fault is told. */
export function tokenize(text: string): Tokens {
  const faults: FormFault[] = [];
  const body = text.replace(/^[\s\uFEFF]+/, '').slice(0, X12_CHARS_MAX);
  if (text.length > X12_CHARS_MAX) faults.push({ code: 'too-long', path: 'interchange' });
  const stated = delimitersOf(body);
  if (stated === undefined) faults.push({ code: 'not-an-interchange', path: 'segment 1' });
  const { element, repetition, component, terminator } = stated ?? DEFAULTS;
  const segments: Segment[] = [];
  let number = 0;
  for (const piece of body.split(terminator, SEGMENTS_MAX + 1)) {
    const line = piece.replace(/^[\r\n\t ]+|[\r\n]+$/g, '');
    if (line === '') continue;
    number += 1;
    const [id = '', ...elements] = line.split(element, ELEMENTS_MAX + 1);
    if (number > SEGMENTS_MAX) {
      faults.push({ code: 'too-long', path: `segment ${number}` });
      break;
    }
    if (SEGMENT_ID.test(id)) segments.push({ id, elements, number });
    else faults.push({ code: 'unreadable-segment', path: `segment ${number}` });
  }
  return { segments, repetition, component, faults };
}

/**
 * By counting separators, not by the fixed 106 characters: payers trim or pad ISA elements.
 * Undefined where there is no ISA, or where its delimiters are no four different characters.
 */
function delimitersOf(text: string): Delimiters | undefined {
  const element = text[3] ?? '';
  if (!text.startsWith('ISA') || /[A-Z0-9\s]/i.test(element) || element === '') return undefined;
  let at = 3;
  const starts: number[] = [];
  for (let count = 0; count < ISA_ELEMENTS; count += 1) {
    starts.push(at + 1);
    at = text.indexOf(element, at + 1);
    if (at === -1 && count < ISA_ELEMENTS - 1) return undefined;
  }
  const last = starts[ISA_ELEMENTS - 1] ?? 0;
  const component = text[last] ?? '';
  const terminator = text[last + 1] ?? '';
  const isa11 = text.slice(starts[10], (starts[11] ?? 1) - 1);
  // In 00401 ISA11 is `U`, a standard's name: there repetitions did not exist.
  const repetition = /^[^A-Z0-9\s]$/i.test(isa11) ? isa11 : DEFAULTS.repetition;
  const all = new Set([element, repetition, component, terminator]);
  const usable = all.size === 4 && !all.has('') && !/[A-Z0-9]/i.test(component + terminator);
  return usable ? { element, repetition, component, terminator } : undefined;
}
