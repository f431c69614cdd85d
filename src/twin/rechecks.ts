import { LIMITS } from '../kernel/limits.ts';
import type { Principal } from './ports.ts';
import { principalKey } from './principals.ts';

/** What is held open for a principal, and what of it is asked about. */
export interface Rechecked {
  readonly principal: Principal;
  readonly uris: { readonly size: number };
  readonly closed: boolean;
}

/**
 * Rounds of checks at the same time. A change of a team or of trust concerns every stream there is:
 * asked all at once, SpiceDB would answer the most of them too late, and late is no.
 */
export const AT_ONCE = 8;
/** URIs in one round, but for a stream that alone has more: two questions each are one bulk check. */
export const URIS_MAX = LIMITS.checkItemsMax / 2;

/** `first`: something about its member changed; `later`: something that may concern anybody. */
export type Urgency = 'first' | 'later';

/**
 * Looks at the streams that a change of access may concern, a few principals at a time, those known
 * to be concerned first. A stream that waits is told nothing meanwhile that it may not know: every
 * delivery is checked by itself.
 */
export class Rechecks<Stream extends Rechecked> {
  readonly #look: (principal: Principal, streams: readonly Stream[]) => Promise<void>;
  readonly #due: Readonly<Record<Urgency, Map<string, Set<Stream>>>> = {
    first: new Map(),
    later: new Map(),
  };
  /** Principals being looked at: one round at a time, so that no older answer comes last. */
  readonly #running = new Set<string>();

  /** @param look never rejects; its streams have the one token whose principal it is given */
  constructor(look: (principal: Principal, streams: readonly Stream[]) => Promise<void>) {
    this.#look = look;
  }

  /** What changes while a stream is looked at is looked at once more. */
  add(streams: Iterable<Stream>, urgency: Urgency): void {
    for (const stream of streams) {
      const key = principalKey(stream.principal);
      const own = this.#due[urgency].get(key);
      if (own === undefined) this.#due[urgency].set(key, new Set([stream]));
      else own.add(stream);
    }
    while (this.#running.size < AT_ONCE && this.#next()) {}
  }

  /** Begins one round, if there is any to begin. */
  #next(): boolean {
    for (const due of [this.#due.first, this.#due.later]) {
      for (const [key, waiting] of due) {
        if (this.#running.has(key)) continue;
        const streams = take(waiting);
        if (waiting.size === 0) due.delete(key);
        const [first] = streams;
        if (first === undefined) continue;
        void this.#run(key, first.principal, streams);
        return true;
      }
    }
    return false;
  }

  async #run(key: string, principal: Principal, streams: readonly Stream[]): Promise<void> {
    this.#running.add(key);
    await this.#look(principal, streams);
    this.#running.delete(key);
    this.#next();
  }
}

/** Open streams of one token, which all have the same rights, as far as one round goes. */
function take<Stream extends Rechecked>(waiting: Set<Stream>): Stream[] {
  const taken: Stream[] = [];
  let uris = 0;
  for (const stream of waiting) {
    if (stream.closed) waiting.delete(stream);
    else {
      const [first = stream] = taken;
      if (stream.principal.tokenId !== first.principal.tokenId) continue;
      uris += stream.uris.size;
      if (uris > URIS_MAX && taken.length > 0) break;
      waiting.delete(stream);
      taken.push(stream);
    }
  }
  return taken;
}
