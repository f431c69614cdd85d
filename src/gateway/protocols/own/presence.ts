import { missingScopes } from '../../../contract/scopes.ts';
import { Fault } from '../../../kernel/errors.ts';
import type { PresenceChange, PresentUser } from '../../ports.ts';
import type { Known } from './known.ts';
import { OWN_LIMITS } from './parts.ts';
import type { OwnSubscription } from './subscription.ts';

/** Who is there is for those who may see who the member is. */
function needed(member: string): string {
  return `mcp://twins/member/${member}/profile`;
}

/** @throws Fault NOT_FOUND, INSUFFICIENT_SCOPE, RATE_LIMITED */
export async function joinedPresence(
  session: Known,
  member: string,
  action: 'join' | 'leave',
): Promise<void> {
  const { parts, principal, connection, present } = session;
  const channel = `member:${member}`;
  if (action === 'leave') {
    if (!present.delete(member)) throw new Fault('NOT_FOUND');
    await parts.presence.leave(channel, connection.id);
    return;
  }
  const scopes = missingScopes(principal.scopes, 'subscribe');
  if (scopes.length > 0) throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes } });
  const [may] = await parts.rights.readable(principal, [needed(member)]);
  if (may !== true) throw new Fault('NOT_FOUND');
  present.add(member);
  const user = { id: principal.subject, info: { kind: principal.kind } };
  await parts.presence.join(channel, user, connection.id, OWN_LIMITS.presentMax);
  if (!connection.isOpen) await parts.presence.leave(channel, connection.id);
}

/** To a subscription that begins: who is there, of each member it is of. */
export async function tellPresent(session: Known, id: string): Promise<void> {
  const subscription = session.subscriptions.get(id);
  for (const stream of subscription?.streams ?? []) {
    if (!stream.startsWith('member:') || subscription === undefined) continue;
    const users = await session.parts.presence.users(stream);
    await tell(session, subscription, stream, 'state', users);
  }
}

/** Of a change, to those of a session's subscriptions that want it. */
export function tellChange(session: Known, { channel, kind, user }: PresenceChange): void {
  for (const subscription of session.subscriptions.values()) {
    if (!subscription.topics.has('presence') || !subscription.streams.has(channel)) continue;
    tell(session, subscription, channel, kind, [user]).catch(session.parts.report);
  }
}

async function tell(
  session: Known,
  subscription: OwnSubscription,
  stream: string,
  event: 'state' | PresenceChange['kind'],
  users: readonly PresentUser[],
): Promise<void> {
  const { parts, principal, connection } = session;
  const [, member = ''] = stream.split(':');
  const [may] = await parts.rights.readable(principal, [needed(member)]);
  if (may !== true || !subscription.streams.has(stream)) return;
  const frame = { type: 'presence', subscription: subscription.id, stream, event, users };
  connection.send(JSON.stringify(frame));
}
