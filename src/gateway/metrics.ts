/** What the gateway counts; names and labels are those of the issue. No label holds an id (P9). */
export interface GatewayMetrics {
  opened(face: string, active: number): void;
  closed(face: string, active: number): void;
  /** A client that came with a place to go on from. */
  reconnected(reason: 'recovered' | 'epoch_changed' | 'trimmed' | 'too_many'): void;
  /** A message was handed to a socket. */
  sent(bytes: number, eventType: string | undefined): void;
  dropped(reason: DropReason): void;
  /** From when the event was written until it was handed on. */
  delivered(seconds: number): void;
  authFailure(): void;
  /** From when an event stood in its stream until the client had handled it. */
  acked(seconds: number): void;
  /** Records of the topics that were not read yet. */
  kafkaLag(messages: number): void;
}

export type DropReason =
  | 'slow_consumer'
  | 'conflated'
  | 'expired'
  | 'superseded'
  | 'not_readable'
  | 'unverifiable'
  | 'too_large';

export const NOT_COUNTED: GatewayMetrics = {
  opened: () => undefined,
  closed: () => undefined,
  reconnected: () => undefined,
  sent: () => undefined,
  dropped: () => undefined,
  delivered: () => undefined,
  authFailure: () => undefined,
  acked: () => undefined,
  kafkaLag: () => undefined,
};
