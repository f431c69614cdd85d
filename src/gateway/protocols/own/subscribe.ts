import {
  type SeenPlace,
  type StreamPlace,
  SUBSCRIPTION_BOUNDS,
  type SubscribeMessage,
} from '../../../contract/frames.ts';
import { missingScopes } from '../../../contract/scopes.ts';
import { isId, SESSION_PATTERN } from '../../../contract/uris.ts';
import { Fault } from '../../../kernel/errors.ts';
import { randomId } from '../../../kernel/ids.ts';
import type { Principal } from '../../../twin/ports.ts';
import type { Started, StreamName } from '../../ports.ts';
import { valuesOf } from './filters.ts';
import type { Known } from './known.ts';
import type { OwnParts } from './parts.ts';
import { OwnSubscription } from './subscription.ts';

/** @throws Fault what was wrong with it; the connection goes on */
export async function subscribe(session: Known, message: SubscribeMessage): Promise<void> {
  const { parts, principal } = session;
  const scopes = missingScopes(principal.scopes, 'subscribe');
  if (scopes.length > 0) throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes } });
  const subscription = new OwnSubscription(parts, session, message);
  session.subscriptions.set(message.id, subscription);
  try {
    const streams = await streamsOf(parts, principal, message);
    const since = sinceOf(message, streams);
    for (const stream of streams) subscription.streams.add(stream);
    await parts.hub.subscribe(subscription, streams, since, (started) =>
      begun(session, subscription, started, since),
    );
  } catch (error) {
    parts.hub.unsubscribe(subscription);
    if (session.subscriptions.get(message.id) === subscription) {
      session.subscriptions.delete(message.id);
    }
    throw error;
  }
}

/** What is denied looks like what is not there: it is simply not among the streams. */
function begun(
  session: Known,
  subscription: OwnSubscription,
  started: readonly Started[],
  since: ReadonlyMap<StreamName, SeenPlace>,
): void {
  const granted = started.flatMap(({ stream, start }) => {
    if (start === 'denied') {
      subscription.streams.delete(stream);
      return [];
    }
    session.register(stream);
    return [subscription.start(stream, start, since.get(stream)?.position)];
  });
  if (granted.length === 0) throw new Fault('NOT_FOUND');
  session.send({ type: 'subscribed', id: subscription.id, streams: granted });
}

function sinceOf(
  { since }: SubscribeMessage,
  streams: readonly StreamName[],
): ReadonlyMap<StreamName, SeenPlace> {
  if (since === undefined) return new Map();
  if (isPlace(since)) {
    const [only, ...more] = streams;
    if (only !== undefined && more.length === 0) return new Map([[only, since]]);
    throw new Fault('INVALID_ARGUMENT', { detail: 'since: a place for each stream, by its name.' });
  }
  const named = Object.entries(since);
  if (named.some(([stream]) => !streams.includes(stream))) {
    throw new Fault('INVALID_ARGUMENT', { detail: 'since: names a stream that is not asked for.' });
  }
  return new Map(named);
}

function isPlace(since: NonNullable<SubscribeMessage['since']>): since is SeenPlace {
  return typeof (since as StreamPlace).epoch === 'string';
}

/** Of whom it is: as the filters say, or of the one member who the caller is. */
async function streamsOf(
  { reader }: OwnParts,
  principal: Principal,
  { filters }: SubscribeMessage,
): Promise<StreamName[]> {
  const members = valuesOf(filters, 'member');
  const sessions = valuesOf(filters, 'session');
  const named = [
    ...(members ?? []).filter(isId).map((id) => `member:${id}`),
    ...(members === undefined ? (sessions ?? []) : [])
      .filter((id) => SESSION_PATTERN.test(id))
      .map((id) => `session:${id}`),
  ];
  if (members !== undefined || sessions !== undefined) {
    if (named.length === 0) throw new Fault('NOT_FOUND');
    return bounded(named);
  }
  const own = await reader.ownMembers({ principal, correlationId: randomId() });
  const [only, ...more] = own;
  if (only !== undefined && more.length === 0) return [`member:${only}`];
  throw new Fault('INVALID_ARGUMENT', {
    detail: 'filters: say of whom, by member or session with eq or in.',
  });
}

function bounded(streams: StreamName[]): StreamName[] {
  if (streams.length <= SUBSCRIPTION_BOUNDS.streams) return streams;
  const detail = `At most ${SUBSCRIPTION_BOUNDS.streams} members in one subscription.`;
  throw new Fault('INVALID_ARGUMENT', { detail });
}
