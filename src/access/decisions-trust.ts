import type { CheckItem, ObjectRef, Principal } from '../twin/ports.ts';
import { PERSONAL_TRUST, TRUST } from './roles.ts';
import type { CheckQuery } from './spicedb/engine.ts';

/** Every group must hold; a group holds when one of its questions is answered yes. */
export type Condition = readonly (readonly CheckQuery[])[];

/** What nobody can meet. */
const NEVER: Condition = [[]];

/**
 * What SpiceDB must answer for this principal: that the subject may and, when an agent acts for a
 * person, that the person trusts it with this, or that the tenant's policy admits it. An agent on
 * its own has sessions that it takes part in, and nothing else.
 */
export function conditionOf(principal: Principal, { permission, object }: CheckItem): Condition {
  const subject: ObjectRef = { type: principal.kind, id: principal.subject };
  const may: readonly CheckQuery[] = [{ subject, permission, object }];
  if (principal.kind === 'agent') {
    return principal.actor === undefined && object.type === 'session' ? [may] : NEVER;
  }
  if (principal.actor === undefined || permission === EMERGENCY) return [may];
  return [may, trustOf(principal, principal.actor, permission, object.type)];
}

/**
 * Asked to say in each answer that the person has broken the glass, whoever acts for them: it opens
 * nothing by itself, so no trust goes with it.
 */
export const EMERGENCY = 'emergency';

/** The second group alone: whether the person's agent may do this to objects of the type at all. */
export function trustOf(
  principal: Pick<Principal, 'subject' | 'tenant'>,
  actor: string,
  permission: string,
  type: string,
): readonly CheckQuery[] {
  const trust = TRUST[type]?.[permission];
  if (trust === undefined) return [];
  const agent: ObjectRef = { type: 'agent', id: actor };
  const user: ObjectRef = { type: 'user', id: principal.subject };
  const personal: CheckQuery = { subject: agent, permission: trust, object: user };
  if (trust === PERSONAL_TRUST) return [personal];
  const organization: ObjectRef = { type: 'organization', id: principal.tenant };
  return [personal, { subject: agent, permission: 'admits_agent', object: organization }];
}
