/** Words of a call on `call-notifications`, in the order in which one usually goes. */
export const CALL_EVENTS = [
  'call.accepted',
  'call.ready',
  'call.join',
  'call.extend',
  'call.ended',
] as const;
export type CallEvent = (typeof CALL_EVENTS)[number];

/** `GET /v1/calls/{id}`: the last that was said of a call, for an app that cannot be pushed to. */
export interface CallState {
  readonly id: string;
  readonly member: string;
  readonly event: CallEvent;
  /** ISO 8601: when it was said. */
  readonly at: string;
  /**
   * Whether a client may still act on it: `false` once it has ended, or `validUntil` is over. What
   * is not current must not ring.
   */
  readonly current: boolean;
  /** ISO 8601 */
  readonly validUntil?: string;
  /** What the backend said for the apps, byte for byte. */
  readonly data?: string;
}
