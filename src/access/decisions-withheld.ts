import type { ObjectRef, RelationChange, Relationship } from '../twin/ports.ts';
import { reachOf } from './decisions-reach.ts';
import { relationKey } from './relations-text.ts';

/**
 * Deletes that SpiceDB has not committed yet. Until it has, the object they name is denied to
 * everybody, and with a member all sessions, any of which may be about it. Where many objects rest
 * on the relation (a team, an organization, a user's trust), the subject that loses it is denied
 * everywhere.
 */
export class Withheld {
  readonly #pending = new Map<string, { relationship: Relationship; offset: number }>();

  /** @param offset of the journal, at or after that of each change */
  add(changes: readonly RelationChange[], offset: number): void {
    for (const { operation, relationship } of changes) {
      if (operation !== 'delete') continue;
      this.#pending.set(relationKey(relationship), { relationship, offset });
    }
  }

  /** SpiceDB has all that the journal says up to here. */
  passed(offset: number): void {
    for (const [key, pending] of this.#pending) {
      if (pending.offset <= offset) this.#pending.delete(key);
    }
  }

  denies(subject: ObjectRef, object: ObjectRef): boolean {
    for (const { relationship } of this.#pending.values()) {
      if (same(relationship.resource, object)) return true;
      const reach = reachOf([{ operation: 'delete', relationship }]);
      if (reach.kind === 'everything' && same(relationship.subject, subject)) return true;
      if (reach.kind === 'objects' && reach.sessions && object.type === 'session') return true;
    }
    return false;
  }
}

function same(a: ObjectRef, b: ObjectRef): boolean {
  return a.type === b.type && a.id === b.id;
}
