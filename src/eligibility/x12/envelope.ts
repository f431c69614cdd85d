import type { FormFault } from '../model.ts';
import type { Segment } from './tokenize.ts';

/** The segments of the first 271, ST and SE left out, and what is wrong with its envelope. */
export interface Body {
  readonly segments: readonly Segment[];
  /** ST03, else GS08. */
  readonly version?: string;
  readonly faults: readonly FormFault[];
}

/** X12.6: wrong counts and control numbers are told, never fatal: real payers send them. */
export function openEnvelope(all: readonly Segment[]): Body | undefined {
  const st = all.findIndex(({ id, elements }) => id === 'ST' && elements[0] === '271');
  const head = all[st];
  if (head === undefined) return undefined;
  const ends = all.findIndex(({ id }, index) => index > st && TRAILERS.has(id));
  const segments = all.slice(st + 1, ends === -1 ? undefined : ends);
  const gs = all.find(({ id }) => id === 'GS');
  const version = head.elements[2]?.trim() || gs?.elements[7]?.trim();
  return {
    segments,
    ...(version && { version }),
    faults: [
      ...setFaults(head, all[ends], segments.length),
      ...groupFaults(all, gs),
      ...interchangeFaults(all),
      ...versionFaults(head, version),
    ],
  };
}

const TRAILERS = new Set(['SE', 'ST', 'GE', 'IEA']);

function setFaults(st: Segment, se: Segment | undefined, inner: number): FormFault[] {
  if (se?.id !== 'SE') return [{ code: 'missing-trailer', path: place(st) }];
  return [
    ...unless(Number(se.elements[0]) === inner + 2, 'segment-count', se),
    ...unless(sameNumber(st.elements[1], se.elements[1]), 'control-number', se),
  ];
}

function groupFaults(all: readonly Segment[], gs: Segment | undefined): FormFault[] {
  const ge = all.find(({ id }) => id === 'GE');
  if (gs === undefined) return [];
  if (ge === undefined) return [{ code: 'missing-trailer', path: place(gs) }];
  const sets = all.filter(({ id }) => id === 'ST').length;
  return [
    ...unless(Number(ge.elements[0]) === sets, 'set-count', ge),
    ...unless(sameNumber(gs.elements[5], ge.elements[1]), 'control-number', ge),
  ];
}

function interchangeFaults(all: readonly Segment[]): FormFault[] {
  const isa = all.find(({ id }) => id === 'ISA');
  const iea = all.find(({ id }) => id === 'IEA');
  if (isa === undefined) return [];
  if (iea === undefined) return [{ code: 'missing-trailer', path: place(isa) }];
  return unless(sameNumber(isa.elements[12], iea.elements[1]), 'control-number', iea);
}

function versionFaults(st: Segment, version: string | undefined): FormFault[] {
  return unless(version?.startsWith('005010X279') ?? false, 'unknown-version', st);
}

function unless(right: boolean, code: FormFault['code'], segment: Segment): FormFault[] {
  return right ? [] : [{ code, path: place(segment) }];
}

/** `1` and `000000001` are one number to some senders. */
function sameNumber(a = '', b = ''): boolean {
  const bare = (text: string) => text.trim().replace(/^0+(?=.)/, '');
  return bare(a) === bare(b);
}

export function place({ number }: Segment): string {
  return `segment ${number}`;
}
