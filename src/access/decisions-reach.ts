import type { ObjectRef, RelationChange } from '../twin/ports.ts';
import { objectKey } from './decisions-facts.ts';

/**
 * How far a change of relations reaches. A relation on a member or a session concerns that object,
 * and a member's also concerns sessions about the member (`session#member`). Teams, organizations,
 * practitioners and users are shared by many: their changes concern everything.
 */
export type Reach =
  | { readonly kind: 'everything' }
  | {
      readonly kind: 'objects';
      readonly objects: readonly ObjectRef[];
      /** Sessions of unknown ids are concerned too. */
      readonly sessions: boolean;
    };

export function reachOf(changes: readonly RelationChange[]): Reach {
  const objects = new Map<string, ObjectRef>();
  let sessions = false;
  for (const { relationship } of changes) {
    const { type, id } = relationship.resource;
    if (type !== 'member' && type !== 'session') return { kind: 'everything' };
    if (type === 'member') sessions = true;
    objects.set(`${type}:${id}`, { type, id });
  }
  return { kind: 'objects', objects: [...objects.values()], sessions };
}

/** What changed while a question was under way. */
export interface Flight {
  touched(object: ObjectRef): boolean;
  end(): void;
}

/** Questions under way, so that no answer from before a change is used or cached after it. */
export class Flights {
  readonly #open = new Set<{ all: boolean; sessions: boolean; objects: Set<string> }>();

  begin(): Flight {
    const state = { all: false, sessions: false, objects: new Set<string>() };
    this.#open.add(state);
    return {
      touched: (object) =>
        state.all ||
        (state.sessions && object.type === 'session') ||
        state.objects.has(objectKey(object)),
      end: () => void this.#open.delete(state),
    };
  }

  touch(reach: Reach): void {
    for (const state of this.#open) {
      if (reach.kind === 'everything') {
        state.all = true;
        continue;
      }
      state.sessions ||= reach.sessions;
      for (const object of reach.objects) state.objects.add(objectKey(object));
    }
  }
}
