import type { Values } from './collect.ts';

/** Where signed checkpoints of the audit go, and how often. */
export interface AuditSettings {
  readonly witness:
    | { readonly kind: 'directory'; readonly path: string }
    | { readonly kind: 'http'; readonly url: string }
    | undefined;
  readonly checkpointMs: number;
}

const CHECKPOINT_SECONDS = 60;

/** @param absolute makes a path absolute */
export function auditOf(values: Values, absolute: (path: string) => string): AuditSettings {
  const { AUDIT_WITNESS: witness, AUDIT_CHECKPOINT_SECONDS: seconds = CHECKPOINT_SECONDS } = values;
  const checkpointMs = seconds * 1_000;
  if (witness === undefined) return { witness: undefined, checkpointMs };
  if (/^https?:\/\//.test(witness)) {
    return { witness: { kind: 'http', url: witness }, checkpointMs };
  }
  return { witness: { kind: 'directory', path: absolute(witness) }, checkpointMs };
}
