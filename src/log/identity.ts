import { createHmac } from 'node:crypto';
import { ID_PATTERN } from '../contract/uris.ts';
import { Fault } from '../kernel/errors.ts';
import { base32 } from '../kernel/ids.ts';

export type MemberIds = 'patient-id' | 'opaque';

export interface IdentityRules {
  readonly memberIds: MemberIds;
  /** Key of the HMAC; the same on every instance of a deployment. */
  readonly memberIdKey: Uint8Array;
}

/** What a decider needs to know of its deployment. */
export interface DecidingRules extends IdentityRules {
  /** The deployment's key of etags, by which preconditions are compared. */
  readonly etagKey: Uint8Array;
}

/** 128 bits are 26 characters of base32. */
const MAPPED_BYTES = 16;

/**
 * Our member id of a `Patient.id` (contract "Identity").
 * @throws Fault REFUSED_INPUT for an id outside the rule where ids are taken as they come.
 */
export function memberIdOf(
  { memberIds, memberIdKey }: IdentityRules,
  tenant: string,
  source: string,
  patient: string,
): string {
  if (memberIds === 'opaque') return mapped(memberIdKey, [tenant, source, patient]);
  if (ID_PATTERN.test(patient)) return patient;
  throw new Fault('REFUSED_INPUT', {
    detail: 'A Patient.id does not fit the rule for member ids: use MEMBER_IDS=opaque.',
    data: { reason: 'member-id' },
  });
}

/** Our id of a foreign resource: itself where it fits the rule, else mapped, never dropped. */
export function resourceIdOf(
  { memberIdKey }: IdentityRules,
  tenant: string,
  source: string,
  type: string,
  id: string,
): string {
  return ID_PATTERN.test(id) ? id : mapped(memberIdKey, [tenant, source, type, id]);
}

export function takenByAnother(): Fault {
  return new Fault('REFUSED_INPUT', {
    detail: 'A member id of the bundle is already in use: use MEMBER_IDS=opaque.',
    data: { reason: 'member-id' },
  });
}

function mapped(key: Uint8Array, parts: readonly string[]): string {
  const digest = createHmac('sha256', key).update(parts.join('/')).digest();
  return base32(digest.subarray(0, MAPPED_BYTES));
}
