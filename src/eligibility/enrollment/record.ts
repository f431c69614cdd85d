import type { EnrollmentState, EnrollmentStep } from '../../contract/enrollments.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { objectOf, objectsOf, stringOf } from '../../twin/fhir/elements.ts';
import type { ResourceJson } from '../../twin/ports.ts';

export const ENROLLMENT_TYPE = 'EnrollmentRequest';
const OURS = 'https://digital-twin.example/fhir';
const STEP = `${OURS}/enrollment-step`;
const PROGRAM = `${OURS}/enrollment-program`;
const CHECK = `${OURS}/eligibility-check`;

/** An enrollment as it stands in the member's record. */
export interface Enrolling {
  readonly member: string;
  readonly program: string;
  readonly coverage?: string;
  /** What it waits for, or what decided it. */
  readonly checkId: string;
  /** Checks that ended without an answer, which may still come. */
  readonly earlier?: readonly string[];
  /** The newest is the last. */
  readonly steps: readonly [EnrollmentStep, ...EnrollmentStep[]];
}

/** More than any course of one has. */
const STEPS_MAX = 20;

/** FHIR R4 EnrollmentRequest, with what it has no elements for as extensions. */
export function resourceOf(
  id: string,
  { member, program, coverage, checkId, earlier = [], steps }: Enrolling,
) {
  const [first] = steps;
  const last = steps.at(-1) ?? first;
  const resource: ResourceJson = {
    ...{ resourceType: ENROLLMENT_TYPE, id, meta: { lastUpdated: last.at } },
    identifier: [checkId, ...earlier].map((value) => ({ system: CHECK, value })),
    ...{ status: 'active', created: first.at, candidate: { reference: `Patient/${member}` } },
    ...(coverage !== undefined && { coverage: { reference: `Coverage/${coverage}` } }),
    extension: [
      { url: PROGRAM, valueString: program },
      ...steps.slice(-STEPS_MAX).map(({ at, state, reason }) => ({
        url: STEP,
        extension: [
          { url: 'at', valueDateTime: at },
          { url: 'state', valueCode: state },
          { url: 'reason', valueString: reason },
        ],
      })),
    ],
  };
  return resource;
}

const STATES: readonly EnrollmentState[] = ['pending', 'enrolled', 'declined', 'review'];

/** Undefined where it is no enrollment of ours. */
export function enrollingOf(resource: JsonObject | null | undefined): Enrolling | undefined {
  const { extension, identifier, candidate, coverage } = resource ?? {};
  const extensions = objectsOf(extension);
  const program = stringOf(extensions.find(({ url }) => url === PROGRAM)?.valueString);
  const checks = objectsOf(identifier).filter(({ system }) => system === CHECK);
  const [checkId, ...earlier] = checks.flatMap(({ value }) => stringOf(value) ?? []);
  const [first, ...others] = extensions.filter(({ url }) => url === STEP).flatMap(stepOf);
  const member = stringOf(objectOf(candidate).reference)?.replace('Patient/', '');
  if (!program || !checkId || !first || !member) return undefined;
  const covered = stringOf(objectOf(coverage).reference)?.replace('Coverage/', '');
  return {
    ...{ member, program, checkId, earlier, steps: [first, ...others] },
    ...(covered !== undefined && { coverage: covered }),
  };
}

function stepOf({ extension }: JsonObject): EnrollmentStep[] {
  const of = (name: string) => objectsOf(extension).find(({ url }) => url === name);
  const at = stringOf(of('at')?.valueDateTime);
  const state = STATES.find((one) => one === of('state')?.valueCode);
  const reason = stringOf(of('reason')?.valueString);
  return at && state && reason ? [{ at, state, reason }] : [];
}
