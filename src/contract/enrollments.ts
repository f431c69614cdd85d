/** Enrollments that wait for what a payer says (docs/eligibility.md). */

import { z } from 'zod';
import { checkBody } from './eligibility.ts';

const { member, coverage, serviceTypes, serviceDate, idempotencyKey } = checkBody.shape;

/** `POST /v1/enrollments`. */
export const enrollmentBody = z.strictObject({
  member,
  coverage,
  /** What the member is to take part in; shown in the coverage document. */
  program: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N} ._&/-]{0,99}$/u),
  serviceTypes,
  serviceDate,
  idempotencyKey,
});
export type EnrollmentBody = z.infer<typeof enrollmentBody>;

export const ENROLLMENT_EXAMPLE =
  'Send { "member": "…", "program": "…" }, and if need be "coverage", "serviceTypes", ' +
  '"serviceDate" (YYYY-MM-DD) and "idempotencyKey".';

/** `pending`: the payer has not answered yet; `review`: it cannot say, a person decides. */
export type EnrollmentState = 'pending' | 'enrolled' | 'declined' | 'review';

export interface EnrollmentStep {
  /** ISO 8601. */
  readonly at: string;
  readonly state: EnrollmentState;
  /** `waiting-for-payer`, `coverage-active`, `asked-again`, `AAA 75` … */
  readonly reason: string;
}

/** `GET /v1/enrollments/{id}`. */
export interface Enrollment {
  readonly id: string;
  readonly member: string;
  readonly program: string;
  readonly state: EnrollmentState;
  readonly reason: string;
  /** The check that it waits for, or that decided it. */
  readonly checkId: string;
  /** From the first step on. */
  readonly history: readonly EnrollmentStep[];
  /** URI of the document that shows it: subscribe to it, and be told. */
  readonly document: string;
  /** A read that names it as `minPosition` shows at least this step. */
  readonly position?: string;
}
