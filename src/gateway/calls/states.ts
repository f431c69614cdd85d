import { createHash } from 'node:crypto';
import { CALL_EVENTS, type CallEvent } from '../../contract/calls.ts';
import { base32 } from '../../kernel/ids.ts';
import type { GatewayEvent } from '../ports.ts';
import { CALL_NAMES } from '../protocols/pusher/events.ts';
import { isTooLate } from '../protocols/pusher/replay.ts';

/** What was said last of a call, with what a reader has to be able to read. */
export interface LastOfCall {
  readonly id: string;
  readonly tenant: string;
  readonly member: string;
  readonly needs: string;
  readonly event: CallEvent;
  /** ISO 8601 */
  readonly at: string;
  readonly validUntil?: string;
  readonly raw?: string;
}

/** The last state of each call, for a day. */
export interface CallStates {
  /** Takes the place of what was said before; what was said earlier, and comes late, does not. */
  note(last: LastOfCall): Promise<void>;
  /** Of the tenant alone: ids of calls are their producers'. */
  last(tenant: string, id: string): Promise<LastOfCall | undefined>;
  /** Leaves nothing of members who are not there any more; what is shared goes after its day. */
  forget?(isThere: (member: string) => boolean): void;
}

/** How long the last state of a call is kept: an app asks minutes later, not days. */
export const CALL_KEPT_MS = 24 * 3_600_000;
/** An id of a producer's own making. */
export const CALL_ID = /^[\x21-\x7e]{1,128}$/;

/** What an event says of a call; `undefined` where it says nothing of one. */
export function lastOfCall(event: GatewayEvent): LastOfCall | undefined {
  const { tenant, member, needs, type, time, validUntil, raw, data } = event;
  const word = CALL_EVENTS.find((one) => one === type);
  const id = data?.callId;
  if (word === undefined || typeof id !== 'string' || !CALL_ID.test(id)) return undefined;
  if (member === undefined || needs === undefined) return undefined;
  return {
    ...{ id, tenant, member, needs, event: word, at: time },
    ...(validUntil !== undefined && { validUntil }),
    ...(raw !== undefined && { raw }),
  };
}

/**
 * Where a call is kept. A producer may put anything into its ids, so keys hold a hash (P9).
 */
export function callKey(tenant: string, id: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([tenant, id]))
    .digest();
  return base32(hash.subarray(0, 16));
}

/** Whether a client may still act on it: by the same times as what is told later by Pusher's face. */
export function isCurrent({ event, at: time, validUntil }: LastOfCall, nowMs: number): boolean {
  if (event === 'call.ended') return false;
  const said = { time, ...(validUntil !== undefined && { validUntil }) };
  return !isTooLate(said, CALL_NAMES[event] ?? '', nowMs);
}
