import type { Variant } from '../../contract/documents.ts';
import type { Place, Principal } from '../../twin/ports.ts';
import { principalKey } from '../../twin/principals.ts';

/** What a subscriber is told: which document, never what is in it. */
export interface Update {
  readonly uri: string;
  /** Absent where no document stands behind the URI (the change feed). */
  readonly etag?: string;
  readonly place?: Place;
  readonly variant: Variant;
}

/** Where updates go: one listen stream, or the GET stream of a 2025-era session. */
export interface Sink {
  /** Whether an update could be handed to the socket now. */
  ready(): boolean;
  /** Hands one update over; whether the socket has taken it before it closed. */
  send(update: Update): Promise<boolean>;
  /** The token's time is over, or it was revoked: nothing further leaves. */
  expired(): void;
  /** The URI may no longer be read. */
  revoked(uri: string): void;
  /** Permissions cannot be checked: nothing further leaves until the client comes again. */
  unverifiable(): void;
}

/**
 * One subscriber: its URIs, each in the variant that was granted, and what it has not been told
 * yet. Pending updates are coalesced by URI (an update names the newest state, so nothing is
 * lost), hence bounded by the number of URIs.
 */
export interface StreamState {
  readonly id: string;
  principal: Principal;
  readonly sink: Sink;
  readonly uris: Map<string, Variant>;
  readonly pending: Map<string, Update>;
  pumping: boolean;
  closed: boolean;
}

/** Streams of one token have the same rights; another token of the principal may be for less. */
export function tokenKey({ principal }: StreamState): string {
  return `${principalKey(principal)} ${principal.tokenId}`;
}
