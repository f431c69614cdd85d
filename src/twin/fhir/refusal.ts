import { Fault } from '../../kernel/errors.ts';

/** Where in a submission an entry stands; what a refusal names. */
export interface Position {
  /** Position in `Bundle.entry`, from 0; 0 for a resource that is no entry of a bundle. */
  readonly index: number;
  /** Line of an ndjson body, from 1. */
  readonly line?: number;
}

/** Where in a submission something is wrong, and what to do about it. Never a value of the record. */
export interface RefusalParts {
  /** Absent where the bundle itself is wrong. */
  readonly at?: Position;
  /** FHIR type, as far as it is known. */
  readonly type?: string;
  /** Element path inside the entry, such as `resource.code.coding[0].system`. */
  readonly path: string;
  /** Stable word for programs. */
  readonly reason: string;
  /** What is wrong and what to do, in our own words. */
  readonly says: string;
  /**
   * What would resolve it when it arrives: `Type/id` in our ids, `Type?identifier=system|value`, or
   * a `urn:`. Empty where waiting is of no use.
   */
  readonly needs?: readonly string[];
}

/** The fault of a whole request, and what is told of an entry that is decided by itself. */
export class Refusal extends Fault {
  readonly at: Position | undefined;
  readonly type: string;
  readonly path: string;
  readonly reason: string;
  readonly says: string;
  readonly needs: readonly string[];

  constructor({ at, type = '', path, reason, says, needs = [] }: RefusalParts) {
    const element = path === '' ? 'whole' : path;
    super('REFUSED_INPUT', {
      detail: `${placeOf(at)}, ${element}: ${says} Nothing of it was stored.`,
      data: {
        ...(at?.line !== undefined && { line: at.line }),
        ...(at !== undefined && { entry: at.index }),
        path,
        reason,
      },
    });
    this.at = at;
    this.type = type;
    this.path = path;
    this.reason = reason;
    this.says = says;
    this.needs = needs;
  }
}

export function refused(parts: RefusalParts): Refusal {
  return new Refusal(parts);
}

/** A fault about one entry, as its refusal. Whatever else is thrown stays what it is. */
export function refusalOf(error: unknown, at: Position, type: string, path = ''): unknown {
  if (error instanceof Refusal || !(error instanceof Fault)) return error;
  if (error.code !== 'REFUSED_INPUT') return error;
  const reason = typeof error.data.reason === 'string' ? error.data.reason : 'refused';
  return new Refusal({ at, type, path, reason, says: error.message });
}

function placeOf(at: Position | undefined): string {
  if (at === undefined) return 'The bundle';
  return at.line === undefined ? `Entry ${at.index}` : `Line ${at.line}, entry ${at.index}`;
}
