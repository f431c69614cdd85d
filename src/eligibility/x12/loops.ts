import type { Loop } from '../model.ts';
import type { Segment } from './tokenize.ts';

/** One HL of a 271 with what stands under it: 2000A payer, B provider, C subscriber, D dependent. */
export interface HlLoop {
  readonly loop: Loop;
  readonly segments: readonly Segment[];
}

const LEVELS: Readonly<Record<string, Loop>> = {
  '20': 'payer',
  '21': 'provider',
  '22': 'subscriber',
  '23': 'dependent',
};

/** What stands before the first HL (BHT) is left out: it says nothing of a patient. */
export function loopsOf(segments: readonly Segment[]): HlLoop[] {
  const loops: { loop: Loop; segments: Segment[] }[] = [];
  for (const segment of segments) {
    if (segment.id === 'HL') {
      loops.push({ loop: LEVELS[segment.elements[2]?.trim() ?? ''] ?? 'unknown', segments: [] });
    } else loops.at(-1)?.segments.push(segment);
  }
  return loops;
}

/**
 * The one patient whom a real-time answer is about: the dependent where there is one. Undefined
 * for none, `several` where it cannot be told, since nobody may get another's benefits.
 */
export function patientOf(loops: readonly HlLoop[]): HlLoop | 'several' | undefined {
  const of = (which: Loop) => loops.filter(({ loop }) => loop === which);
  const [dependents, subscribers] = [of('dependent'), of('subscriber')];
  if (dependents.length > 1 || subscribers.length > 1) return 'several';
  const [patient, other] = [...dependents, ...subscribers];
  return patient !== undefined && other?.segments.some(({ id }) => id === 'EB')
    ? 'several'
    : patient;
}
