import type { GatewayEvent } from '../../ports.ts';

/** An event as the apps know it. `data` is what they parse, byte for byte. */
export interface NamedEvent {
  readonly name: string;
  readonly data: string;
}

/** The five of a video visit: their names on Pusher's channels, by the word of the event. */
export const CALL_NAMES: Readonly<Record<string, string>> = {
  'call.accepted': 'call_accepted',
  'call.ready': 'appointment_ready',
  'call.ended': 'call_ended',
  'call.join': 'join_call',
  'call.extend': 'paid_extend_call_request',
};

/** What else a member's private channel tells, by the beginning of the event's word. */
const NEWS: readonly (readonly [string, string])[] = [
  ['twins.resource-', 'twin.updated'],
  ['rte.', 'eligibility.updated'],
  ['sessions.task.', 'task.updated'],
  ['sessions.', 'session.updated'],
];

/**
 * How an event of a member's stream is called on one of the member's channels; `undefined` where that
 * channel does not tell it.
 */
export function namedOnMember(
  event: GatewayEvent,
  access: 'private' | 'presence',
): NamedEvent | undefined {
  const call = Object.hasOwn(CALL_NAMES, event.type) ? CALL_NAMES[event.type] : undefined;
  if (call !== undefined) {
    return { name: call, data: event.raw ?? JSON.stringify(event.data ?? {}) };
  }
  if (access === 'presence') return undefined;
  const [, name] = NEWS.find(([prefix]) => event.type.startsWith(prefix)) ?? [];
  return name === undefined ? undefined : { name, data: JSON.stringify(newsOf(event)) };
}

function newsOf({ id, type, time, uri, etag, data }: GatewayEvent) {
  return { id, type, time, uri, etag, ...(data !== undefined && { data }) };
}

/** On a stream of an app's own channel an event stands as its server said it. */
export function namedOnApp({ type, raw = '{}' }: GatewayEvent): NamedEvent {
  return { name: type, data: raw };
}

/** Sent by a client: told at once or never, and kept for nobody. */
export function isClientEvent(name: string): boolean {
  return name.startsWith('client-');
}
