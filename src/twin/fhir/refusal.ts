import { Fault } from '../../kernel/errors.ts';

/** Where in a bundle something is wrong, and what to do about it. Never a value of the record. */
export interface Refusal {
  /** Position in `Bundle.entry`; absent where the bundle itself is wrong. */
  readonly entry?: number;
  /** Element path inside the entry, such as `resource.code.coding[0].system`. */
  readonly path: string;
  /** Stable word for programs. */
  readonly reason: string;
  /** What is wrong and what to do, in our own words. */
  readonly says: string;
}

export function refused({ entry, path, reason, says }: Refusal): Fault {
  const where = entry === undefined ? 'The bundle' : `Entry ${entry}`;
  return new Fault('REFUSED_INPUT', {
    detail: `${where}, ${path === '' ? 'whole' : path}: ${says} Nothing of the bundle was stored.`,
    data: { ...(entry !== undefined && { entry }), path, reason },
  });
}
