import type { BundleSubmission, Intake } from '../../twin/ports.ts';

export type RecordSubmission = Parameters<Intake['submitRecord']>[0];

/** Which method of the intake it is for. */
export type Kind = 'bundle' | 'record';

/** A submission as the outbox stores it; whose it is, and its bytes as they came. */
export interface Held {
  readonly kind: Kind;
  readonly tenant: string;
  readonly source: string;
  readonly eventId: string;
  /** JSON of everything but the body. */
  readonly head: string;
  readonly body: Uint8Array;
  /** Held since, in ms. */
  readonly at: number;
}

const NO_BODY = new Uint8Array();

export function holdBundle({ json, ...rest }: BundleSubmission, at: number): Held {
  const { tenant, source, eventId } = rest;
  return { kind: 'bundle', tenant, source, eventId, head: JSON.stringify(rest), body: json, at };
}

export function holdRecord(record: RecordSubmission, at: number): Held {
  const { tenant, eventId, provenance } = record;
  const { source } = provenance;
  const head = JSON.stringify(record);
  return { kind: 'record', tenant, source, eventId, head, body: NO_BODY, at };
}

/** Gives it to the intake as it was, under the event id it had. */
export async function submitHeld(
  intake: Intake,
  { kind, head, body }: Pick<Held, 'kind' | 'head' | 'body'>,
): Promise<unknown> {
  if (kind === 'record') return await intake.submitRecord(JSON.parse(head) as RecordSubmission);
  const rest = JSON.parse(head) as Omit<BundleSubmission, 'json'>;
  return await intake.submitBundle({ ...rest, json: body });
}
