import { given } from '../given.ts';
import type { Answer, FormFault, Rejection, Told } from '../model.ts';
import { benefitOf, datesOf, groupsOf, nameOf } from './benefit.ts';
import { openEnvelope, place } from './envelope.ts';
import { type HlLoop, loopsOf, patientOf } from './loops.ts';
import { type Segment, tokenize } from './tokenize.ts';
import { codeOf, isoDay, textOf } from './values.ts';

/**
 * An X12 271 (005010X279A1) as an answer. Never throws and never invents: each benefit is one EB
 * segment of the one patient's loop, each value what stands in it. What is wrong with the form is
 * told in `faults`; where it is no 271 there are no benefits and no rejections.
 */
export function decode271(raw: string): Answer {
  const { segments, faults: unreadable, ...marks } = tokenize(raw);
  const faults: FormFault[] = [...unreadable];
  const body = openEnvelope(segments);
  if (body === undefined) {
    const told = faults.some(({ code }) => code === 'not-an-interchange');
    if (!told) faults.push({ code: 'not-an-interchange', path: 'interchange' });
    return { ...EMPTY, raw, faults };
  }
  faults.push(...body.faults);
  const loops = loopsOf(body.segments);
  const chosen = patientOf(loops);
  if (chosen === 'several') faults.push({ code: 'several-patients', path: 'interchange' });
  const patient = chosen === 'several' ? undefined : chosen;
  const groups = groupsOf(patient?.segments ?? []);
  return {
    shape: 'x12-271',
    raw,
    traceIds: tracesOf(patient),
    payer: payerOf(loops),
    ...given({
      subscriber: told(chosen === 'several' ? undefined : only(loops, 'subscriber')),
      dependent: told(chosen === 'several' ? undefined : only(loops, 'dependent')),
    }),
    dates: datesOf(beforeBenefits(patient), faults),
    benefits: groups.flatMap((group) => benefitOf(group, marks, faults) ?? []),
    rejections: rejectionsOf(loops, patient, faults),
    faults,
  };
}

const EMPTY = {
  shape: 'x12-271',
  traceIds: [],
  payer: {},
  dates: [],
  benefits: [],
  rejections: [],
} as const;

function only(loops: readonly HlLoop[], which: HlLoop['loop']): HlLoop | undefined {
  return loops.find(({ loop }) => loop === which);
}

function beforeBenefits(loop: HlLoop | undefined): readonly Segment[] {
  const segments = loop?.segments ?? [];
  const first = segments.findIndex(({ id }) => id === 'EB');
  return first === -1 ? segments : segments.slice(0, first);
}

function payerOf(loops: readonly HlLoop[]) {
  const nm1 = only(loops, 'payer')?.segments.find(({ id }) => id === 'NM1');
  if (nm1 === undefined) return {};
  return given({ id: textOf(nm1.elements[8]), name: nameOf(nm1.elements) });
}

/** TRN02, of both sides. */
function tracesOf(patient: HlLoop | undefined): string[] {
  return beforeBenefits(patient).flatMap(({ id, elements }) =>
    id === 'TRN' ? (textOf(elements[1]) ?? []) : [],
  );
}

/** 2100C and D: what the payer says of the person. */
function told(loop: HlLoop | undefined): Told | undefined {
  if (loop === undefined) return undefined;
  const head = beforeBenefits(loop);
  const first = (wanted: string) => head.find(({ id }) => id === wanted)?.elements ?? [];
  const ref = (qualifier: string) =>
    head.find(({ id, elements }) => id === 'REF' && elements[0] === qualifier)?.elements ?? [];
  const [, , lastName, firstName, , , , kind, number] = first('NM1');
  return given({
    memberId: kind === 'MI' ? textOf(number) : textOf(ref('1W')[1]),
    firstName: textOf(firstName),
    lastName: textOf(lastName),
    dateOfBirth: isoDay(first('DMG')[1]),
    groupNumber: textOf(ref('6P')[1]),
    groupName: textOf(ref('6P')[2]),
    planName: textOf(ref('18')[2]),
  });
}

/** Those of payer and provider hold for every patient; those of another patient are not ours. */
function rejectionsOf(
  loops: readonly HlLoop[],
  patient: HlLoop | undefined,
  faults: FormFault[],
): Rejection[] {
  const ours = loops.filter(
    (one) => one === patient || one.loop === 'payer' || one.loop === 'provider' || isAbove(one),
  );
  return ours.flatMap(({ loop, segments }) =>
    segments.flatMap((segment) => {
      if (segment.id !== 'AAA') return [];
      const code = codeOf(segment.elements[2]);
      if (code === undefined) {
        faults.push({ code: 'unreadable-segment', path: place(segment) });
        return [];
      }
      const followUp = codeOf(segment.elements[3]);
      return { code, loop, path: place(segment), ...given({ followUp }) };
    }),
  );

  /** A dependent's subscriber that was not found is why nothing is told of the dependent. */
  function isAbove({ loop }: HlLoop): boolean {
    return patient?.loop === 'dependent' && loop === 'subscriber';
  }
}
