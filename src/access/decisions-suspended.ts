import { Fault } from '../kernel/errors.ts';
import type { Principal, RelationChange, Relationship } from '../twin/ports.ts';
import { clientsOf } from '../twin/principals.ts';
import { type Fact, questionKey } from './decisions-facts.ts';
import { relationKey } from './relations-text.ts';
import type { CheckQuery, RelationFilter } from './spicedb/engine.ts';

export const SUSPENDED: RelationFilter = { type: 'client', relation: 'suspended' };

/** Who was suspended by a change, of which tenant; `undefined` where it is none. */
export function suspendedBy({ operation, relationship }: RelationChange) {
  const { resource, subject } = relationship;
  if (operation !== 'touch' || !isSuspension(relationship)) return undefined;
  return { kind: 'client', tenant: subject.id, client: resource.id } as const;
}

/**
 * The clients that are suspended, by the newest revision that this instance has seen. Small, so all
 * of it is held: a request of a suspended client is refused without a question to SpiceDB.
 */
export class Suspensions {
  readonly #known = new Map<string, Relationship>();
  /** Said here and not committed yet: until that offset, whatever a fresh read finds. */
  readonly #held = new Map<string, number>();

  /** In force here from now on; once the journal is past `offset`, what SpiceDB says counts. */
  hold({ relationship }: RelationChange, offset: number): void {
    this.#held.set(relationKey(relationship), offset);
  }

  /** SpiceDB is at this offset, and its changes up to there were applied. */
  passed(offset: number): void {
    for (const [key, held] of this.#held) if (held <= offset) this.#held.delete(key);
  }

  apply({ operation, relationship }: RelationChange): void {
    if (!isSuspension(relationship)) return;
    if (operation === 'touch') this.#known.set(relationKey(relationship), relationship);
    else this.#known.delete(relationKey(relationship));
  }

  /**
   * What a fresh read found, but for the keys in `newer`, which Watch told since.
   * @returns those that were not known: nobody was told of them
   */
  load(found: readonly Relationship[], newer: ReadonlySet<string>): Relationship[] {
    const before = new Set(this.#known.keys());
    for (const key of before) if (!newer.has(key)) this.#known.delete(key);
    for (const one of found) {
      if (!newer.has(relationKey(one))) this.#known.set(relationKey(one), one);
    }
    return [...this.#known].flatMap(([key, one]) => (before.has(key) ? [] : [one]));
  }

  denies(principal: Principal): boolean {
    if (this.#known.size === 0 && this.#held.size === 0) return false;
    return relationsOf(principal)
      .map(relationKey)
      .some((key) => this.#known.has(key) || this.#held.has(key));
  }
}

/** To be asked where Watch may be behind. */
export function suspensionQuestions(principal: Principal): CheckQuery[] {
  return relationsOf(principal).map(({ resource, relation, subject }) => ({
    ...{ subject, permission: relation, object: resource },
  }));
}

/**
 * Nothing at all is served to a client that an operator has suspended, whatever its token says: also
 * what asks no permission (an import, a list of tools) is closed.
 * @throws Fault SUSPENDED
 */
export function closedTo(
  suspensions: { isSuspended(principal: Principal): boolean },
  authenticate: (rawHeaders: readonly string[]) => Promise<Principal>,
): (rawHeaders: readonly string[]) => Promise<Principal> {
  return async (rawHeaders) => {
    const principal = await authenticate(rawHeaders);
    if (suspensions.isSuspended(principal)) throw new Fault('SUSPENDED');
    return principal;
  };
}

/** Whether the answer is anything but a clear no. */
export function mayBe(question: CheckQuery, facts: ReadonlyMap<string, Fact>): boolean {
  return facts.get(questionKey(question))?.allowed !== false;
}

function relationsOf(principal: Principal): Relationship[] {
  return clientsOf(principal).map((id) => ({
    resource: { type: 'client', id },
    relation: 'suspended',
    subject: { type: 'organization', id: principal.tenant },
  }));
}

function isSuspension({ resource, relation }: Relationship): boolean {
  return resource.type === 'client' && relation === 'suspended';
}
