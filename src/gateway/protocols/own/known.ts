import type { ServerMessage } from '../../../contract/frames.ts';
import type { OwnParts } from './parts.ts';
import type { Owner, OwnSubscription } from './subscription.ts';

/** A connection whose caller is known, as what it asks for sees it. */
export interface Known extends Owner {
  readonly parts: OwnParts;
  readonly subscriptions: Map<string, OwnSubscription>;
  /** Members where the caller is present by this connection. */
  readonly present: Set<string>;
  send(message: ServerMessage): void;
  /** The registry hears that the connection follows a stream. */
  register(stream: string): void;
}
