/**
 * Something should reach people who are not connected (topic `sessions.notification.requested`): of
 * whom, to whom, by which message of the sender's catalogue. It holds no text of anybody's.
 */
export interface NotificationRequest {
  /** The same whenever it is asked for again: whoever sends it knows by it what was sent. */
  readonly id: string;
  readonly tenant: string;
  readonly member: string;
  /** Who, as in the access model: `member:ana#self`, `organization:demo#privacy_officer`. */
  readonly recipient: string;
  readonly template: string;
  /** Canonical URI of what it is about; whoever sends it reads it with the recipient's right. */
  readonly document: string;
  readonly urgency: 'low' | 'normal' | 'high';
  /** ISO 8601. */
  readonly at: string;
  /** ISO 8601; later it says nothing any more. */
  readonly expiresAt: string;
  readonly actor: string;
}

export interface Notifications {
  /** Asked for, once it resolves; a second time after a failure is no harm. */
  request(requests: readonly NotificationRequest[]): Promise<void>;
}
