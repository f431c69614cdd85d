import type { Clock } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { ObjectRef } from '../twin/ports.ts';
import { questionKey } from './decisions-facts.ts';
import type { Follower } from './decisions-follower.ts';
import type { LookupCache } from './decisions-lookups.ts';
import type { Flights } from './decisions-reach.ts';
import type { CheckQuery, Engine } from './spicedb/engine.ts';

export interface FinderParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly follower: Follower;
  readonly lookups: LookupCache;
  readonly flights: Flights;
  /** Of these questions, those that are answered yes now. */
  readonly holding: (questions: readonly CheckQuery[]) => Promise<readonly CheckQuery[]>;
  readonly onTrouble: (error: unknown) => void;
}

/** Look-ups: from the cache where Watch is alive, else from SpiceDB. */
export class Finder {
  readonly #parts: FinderParts;
  /** Look-ups that are asked anew before their time is over. */
  readonly #renewing = new Set<string>();

  constructor(parts: FinderParts) {
    this.#parts = parts;
  }

  /** Ids of the objects, in order; what changes meanwhile is settled. */
  async find(subject: ObjectRef, permission: string, type: string): Promise<readonly string[]> {
    const { follower, lookups, onTrouble } = this.#parts;
    const key = questionKey({ subject, permission, object: { type, id: '' } });
    if (!follower.sure) lookups.clear();
    const known = lookups.get(key);
    if (known === undefined) return await this.#findAnew(key, subject, permission, type);
    if (lookups.ages(key) && !this.#renewing.has(key)) {
      this.#renewing.add(key);
      this.#findAnew(key, subject, permission, type)
        .catch(onTrouble)
        .finally(() => this.#renewing.delete(key));
    }
    return known;
  }

  async #findAnew(
    key: string,
    subject: ObjectRef,
    permission: string,
    type: string,
  ): Promise<string[]> {
    const { follower, lookups, clock } = this.#parts;
    const { sure } = follower;
    const { generation } = lookups;
    const askedAtMs = clock.monotonic();
    const ids = await this.#findNow(subject, permission, type);
    if (sure && follower.sure) lookups.put(key, ids, generation, askedAtMs);
    return ids;
  }

  async #findNow(subject: ObjectRef, permission: string, type: string): Promise<string[]> {
    const { flights, holding } = this.#parts;
    const flight = flights.begin();
    try {
      const found = await this.#findAll(subject, permission, type);
      const objects = found.map((id): ObjectRef => ({ type, id }));
      // Whatever changed meanwhile is asked again: the pages were found at an older revision.
      const doubtful = objects.filter((object) => flight.touched(object));
      const questions = doubtful.map((object) => ({ subject, permission, object }));
      const held = new Set(await holding(questions));
      const gone = new Set(
        questions.filter((one) => !held.has(one)).map(({ object }) => object.id),
      );
      return found.filter((id) => !gone.has(id)).sort();
    } finally {
      flight.end();
    }
  }

  async #findAll(subject: ObjectRef, permission: string, type: string): Promise<string[]> {
    const { engine, follower } = this.#parts;
    const { consistency } = follower;
    const ids = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await engine.lookupResources(
        {
          subject,
          permission,
          type,
          limit: LIMITS.lookupPageSize,
          ...(cursor !== undefined && { cursor }),
        },
        consistency,
      );
      for (const id of page.ids) ids.add(id);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return [...ids];
  }
}
