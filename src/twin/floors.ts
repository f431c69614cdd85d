import type { Place, Principal } from './ports.ts';
import { principalKey } from './principals.ts';

/**
 * Told of a change, nobody reads older data afterwards (design §2): delivering an update of
 * (principal, URI) raises a floor before the bytes leave, and the next read honours it.
 */
export interface Floors {
  /**
   * Resolves once whichever instance they read from honours it, or cannot be told in time (then see
   * shared-floors.ts); never rejects.
   */
  raise(principal: Principal, uri: string, place: Place): Promise<void>;
  /** What a read must have reached. */
  of(principal: Principal, uri: string): Promise<Place | undefined>;
  /** The same where nobody has to be asked for it; else `unknown`. */
  known(principal: Principal, uri: string): Place | 'unknown' | undefined;
}

/** The oldest floors go first: a view is at most seconds behind, so they are long satisfied. */
const FLOORS_MAX = 100_000;

/** Of one instance, in its memory. */
export function createFloors(): Floors {
  const floors = new Map<string, Place>();
  const keyOf = (principal: Principal, uri: string): string => `${principalKey(principal)} ${uri}`;
  return {
    raise(principal, uri, place) {
      const key = keyOf(principal, uri);
      const present = floors.get(key);
      floors.delete(key);
      const higher = present !== undefined && present.offset > place.offset ? present : place;
      floors.set(key, higher);
      if (floors.size > FLOORS_MAX) floors.delete(floors.keys().next().value ?? key);
      return Promise.resolve();
    },
    of: (principal, uri) => Promise.resolve(floors.get(keyOf(principal, uri))),
    known: (principal, uri) => floors.get(keyOf(principal, uri)),
  };
}
