import { createHmac } from 'node:crypto';
import { parseUri } from '../contract/uris.ts';
import type { Clock } from '../kernel/clock.ts';
import { createFloors, type Floors } from './floors.ts';
import type { EventLog, Place, Principal, View } from './ports.ts';
import { principalKey } from './principals.ts';
import { subjectOfUri } from './reader/load.ts';

/**
 * Floors that all instances see, by key. It holds no authorization, and nothing of a document: what
 * it loses or makes up costs a wait, never a wider answer.
 */
export interface FloorStore {
  /** Bounded in time; never rejects. Whom it could not tell hears `unknown` as soon as may be. */
  raise(key: string, place: Place): Promise<void>;
  /** Bounded; never rejects. `unknown`: what was raised may have been lost, or cannot be asked. */
  of(key: string): Promise<Place | 'unknown' | undefined>;
}

export interface SharedFloorsParts {
  readonly store: FloorStore;
  /** The deployment's key: no principal and no URI stands in the store. */
  readonly secret: Uint8Array;
  /** The end of the log for the URI; `undefined` where the log cannot be asked, or has nothing. */
  readonly newest: (uri: string) => Promise<Place | undefined>;
}

const KEY_BYTES = 16;

/**
 * Floors of several instances (contract "floor"). Where the store cannot say what was raised, a read
 * waits for the newest place that the log has, which nobody was told anything beyond. Only where
 * log and store are away together, it has what this instance knows.
 */
export function createSharedFloors({ store, secret, newest }: SharedFloorsParts): Floors {
  const local = createFloors();
  const keyOf = (principal: Principal, uri: string): string =>
    createHmac('sha256', secret)
      .update(`floor\n${principalKey(principal)}\n${uri}`)
      .digest()
      .subarray(0, KEY_BYTES)
      .toString('base64url');
  return {
    async raise(principal, uri, place) {
      await local.raise(principal, uri, place);
      await store.raise(keyOf(principal, uri), place);
    },
    async of(principal, uri) {
      const shared = await store.of(keyOf(principal, uri));
      const place = shared === 'unknown' ? await newest(uri) : shared;
      return higher(await local.of(principal, uri), place);
    },
    known: () => 'unknown',
  };
}

/** A log that takes longer to say where it ends counts as away, and is not asked for a while. */
const ENDS_WITHIN_MS = 1_000;
const AWAY_FOR_MS = 5_000;

/** Where the log ends for what a URI is about. */
export function newestPlace(
  log: Pick<EventLog, 'ends'>,
  view: Pick<View, 'partitionOf'>,
  clock: Clock,
): SharedFloorsParts['newest'] {
  let awayUntil = Number.NEGATIVE_INFINITY;
  const ends = async (): Promise<readonly number[]> => {
    if (clock.monotonic() < awayUntil) return [];
    const late = Promise.withResolvers<never>();
    const timer = clock.after(ENDS_WITHIN_MS, () => late.reject(new Error('late')));
    try {
      return await Promise.race([log.ends(), late.promise]);
    } catch {
      awayUntil = clock.monotonic() + AWAY_FOR_MS;
      return [];
    } finally {
      timer.cancel();
    }
  };
  return async (text) => {
    const uri = parseUri(text);
    const subject = uri === null ? undefined : subjectOfUri(uri);
    if (subject === undefined) return undefined;
    const partition = view.partitionOf(subject);
    const end = (await ends())[partition] ?? 0;
    return end === 0 ? undefined : { partition, offset: end - 1 };
  };
}

function higher(a: Place | undefined, b: Place | undefined): Place | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.partition !== b.partition || b.offset > a.offset ? b : a;
}
