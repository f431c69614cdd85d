import type { StreamPlace } from '../../../contract/frames.ts';
import { isObject } from '../../../kernel/json.ts';
import type { Principal } from '../../../twin/ports.ts';
import { createSealing, type Secrets } from '../../../twin/sealing.ts';

/** What our authorization endpoint says of a connection, sealed into `channel_data`. */
export interface Grant {
  /** For whom events are checked, at each delivery. */
  readonly principal: Principal;
  /** Milliseconds since the epoch: it serves for a minute, and not past what ended its caller. */
  readonly issuedAtMs: number;
  /** The same for one device across reconnects: by it what was missed is found. */
  readonly session: string;
  /** Where the app itself says that it stands. */
  readonly since?: StreamPlace;
}

/**
 * Grants go through a client and come back signed with the app's secret; they are sealed with a key of
 * the deployment besides, and bound to app, socket and channel: who holds an app's secret alone can
 * authorize nobody to a member's channel.
 */
export interface Grants {
  seal(bound: Bound, grant: Grant): string;
  /** `undefined` for whatever was not sealed for exactly this. */
  open(bound: Bound, text: string): Grant | undefined;
}

export interface Bound {
  readonly appKey: string;
  readonly socketId: string;
  readonly channel: string;
}

export function createGrants(secrets: Secrets): Grants {
  const sealing = createSealing('pusher channel grant', secrets);
  const binding = (bound: Bound): string =>
    JSON.stringify([bound.appKey, bound.socketId, bound.channel]);
  return {
    seal: (bound, { principal, ...grant }) => {
      const scopes = [...principal.scopes];
      return sealing.seal(binding(bound), { ...grant, principal: { ...principal, scopes } }).text;
    },
    open: (bound, text) => grantOf(sealing.open(binding(bound), text)?.payload),
  };
}

/** Sealed by us, so of the shape that it had; what a former version sealed differently is none. */
function grantOf(payload: unknown): Grant | undefined {
  if (!isObject(payload) || !isObject(payload.principal)) return undefined;
  const { session, since, principal, issuedAtMs } = payload;
  if (typeof session !== 'string' || !Array.isArray(principal.scopes)) return undefined;
  if (typeof principal.expiresAtMs !== 'number') return undefined;
  if (typeof issuedAtMs !== 'number') return undefined;
  const scopes: ReadonlySet<string> = new Set(principal.scopes.map(String));
  return {
    principal: { ...(principal as unknown as Principal), scopes },
    ...{ session, issuedAtMs },
    ...(isObject(since) && { since: since as unknown as StreamPlace }),
  };
}
