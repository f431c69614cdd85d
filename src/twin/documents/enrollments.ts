import { z } from 'zod';
import type { JsonObject } from '../../kernel/json.ts';
import { compact, objectsOf, stringOf } from '../fhir/elements.ts';
import type { Finding } from './fact.ts';
import { compareDates, factOf, factShape } from './fact.ts';
import type { MemberRecord, RecordSet } from './records.ts';

/** An enrollment that waits for what a payer says, with its history. */
export const enrollmentSchema = z.strictObject({
  ...factShape,
  history: z.array(z.strictObject({ at: z.string(), state: z.string(), reason: z.string() })),
});

/** Newest first, by their last step. */
export function enrollmentsOf(set: RecordSet): JsonObject[] {
  return set
    .of('EnrollmentRequest')
    .map(
      (record): JsonObject => ({
        ...factOf(record, enrollmentFinding(record)),
        history: stepsOf(record.resource),
      }),
    )
    .toSorted((a, b) => compareDates(b.asOf, a.asOf));
}

export function enrollmentFinding({ resource }: MemberRecord): Finding {
  const program = extensionsOf(resource, 'program').map(({ valueString }) => valueString);
  const last = stepsOf(resource).at(-1);
  return {
    title: ['Enrollment', ...program.flatMap((one) => stringOf(one) ?? [])].join(', '),
    status: stringOf(last?.state) ?? stringOf(resource.status),
    date: stringOf(resource.created)?.slice(0, 10),
  };
}

function extensionsOf({ extension }: JsonObject, kind: string): JsonObject[] {
  return objectsOf(extension).filter(({ url }) => stringOf(url)?.endsWith(`/enrollment-${kind}`));
}

function stepsOf(resource: JsonObject): JsonObject[] {
  return extensionsOf(resource, 'step').flatMap(({ extension }) => {
    const parts = objectsOf(extension);
    const of = (name: string) => parts.find(({ url }) => url === name);
    const step = compact({
      at: stringOf(of('at')?.valueDateTime),
      state: stringOf(of('state')?.valueCode),
      reason: stringOf(of('reason')?.valueString),
    });
    return step?.at !== undefined && step.state && step.reason ? [step] : [];
  });
}
