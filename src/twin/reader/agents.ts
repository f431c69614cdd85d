import { isObject } from '../../kernel/json.ts';
import { accessLogData } from '../documents/access-log.ts';
import type { Principal } from '../ports.ts';
import type { ReaderParts } from './parts.ts';

/** Entries of a member's trail that are looked through. */
const ENTRIES_MAX = 500;

/** A person's own members: those whose trust they manage. */
export async function ownMembers(
  { access }: Pick<ReaderParts, 'access'>,
  principal: Principal,
): Promise<string[]> {
  // An agent has no permission to manage trust, and is given none here either.
  if (principal.kind !== 'user' || principal.actor !== undefined) return [];
  return await access.lookup(principal, 'manage_trust', 'member');
}

/** When each agent last acted for this person on these members, ISO 8601, by agent id. */
export async function agentsSeen(
  { audit, clock }: Pick<ReaderParts, 'audit' | 'clock'>,
  { subject }: Principal,
  members: readonly string[],
): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for (const member of members) {
    const { rows } = await audit.read({ member, limit: ENTRIES_MAX, quietBefore: clock.now() });
    const { entries } = accessLogData(member, rows, false);
    for (const entry of Array.isArray(entries) ? entries : []) {
      const { when, who, by } = isObject(entry) ? entry : {};
      if (typeof when !== 'string' || typeof by !== 'string') continue;
      if (who !== `user:${subject}` || !by.startsWith('agent:')) continue;
      const agent = by.slice('agent:'.length);
      if (when > (seen.get(agent) ?? '')) seen.set(agent, when);
    }
  }
  return seen;
}
