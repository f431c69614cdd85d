import type { RelationChange, RelationJournal, Relationship } from '../twin/ports.ts';
import { relationKey } from './relations-text.ts';
import { mark, markFilter, markNumber } from './spicedb/bookkeeping.ts';
import type { Engine } from './spicedb/engine.ts';

/** A grant whose time has yet to come, and where the journal has it. */
export interface PendingGrant {
  readonly relationship: Relationship;
  readonly offset: number;
}

/** Whether an entry of the journal is not to be in force yet. */
export function isEarly({ operation, relationship }: RelationChange, nowMs: number): boolean {
  const { startsAt } = relationship;
  return operation === 'touch' && startsAt !== undefined && Date.parse(startsAt) > nowMs;
}

/** As SpiceDB takes it: when it begins is our own affair. */
export function begun({ startsAt: _, ...relationship }: Relationship): Relationship {
  return relationship;
}

/**
 * Grants whose time has yet to come. The journal holds them, and SpiceDB marks of where, set and
 * taken away in the same writes as relationships are: so a new leader knows of each, and each is
 * written once, whoever leads at its instant. A later entry of the same relationship ends it.
 */
export class Pending {
  readonly #grants = new Map<string, PendingGrant>();

  static async read(
    engine: Pick<Engine, 'read'>,
    journal: Pick<RelationJournal, 'read'>,
  ): Promise<Pending> {
    const pending = new Pending();
    for (const found of await engine.read(markFilter('pending'))) {
      const offset = markNumber(found);
      const [entry] = await journal.read(offset, 1);
      // Compacted away: something later has been said of it, which takes the mark away as well.
      if (entry?.offset !== offset || entry.change.operation !== 'touch') continue;
      const { relationship } = entry.change;
      pending.#grants.set(relationKey(relationship), { relationship, offset });
    }
    return pending;
  }

  /** What the writes of these entries do to the marks; told once they are written. */
  marksOf(entries: readonly { offset: number; change: RelationChange }[], nowMs: number) {
    const marks: RelationChange[] = [];
    const after = new Map<string, PendingGrant | undefined>();
    for (const { offset, change } of entries) {
      const key = relationKey(change.relationship);
      const early = isEarly(change, nowMs);
      after.set(key, early ? { relationship: change.relationship, offset } : undefined);
    }
    for (const [key, now] of after) {
      const before = this.#grants.get(key);
      if (before !== undefined) marks.push(marking('delete', before.offset));
      if (now !== undefined) marks.push(marking('touch', now.offset));
    }
    const settle = (): void => {
      for (const [key, now] of after) {
        if (now === undefined) this.#grants.delete(key);
        else this.#grants.set(key, now);
      }
    };
    return { marks, settle };
  }

  due(nowMs: number): PendingGrant[] {
    return [...this.#grants.values()].filter(({ relationship }) => startOf(relationship) <= nowMs);
  }

  /** Milliseconds since the epoch. */
  next(): number | undefined {
    const starts = [...this.#grants.values()].map(({ relationship }) => startOf(relationship));
    return starts.length === 0 ? undefined : Math.min(...starts);
  }

  remove({ relationship }: PendingGrant): void {
    this.#grants.delete(relationKey(relationship));
  }

  relationships(): Relationship[] {
    return [...this.#grants.values()].map(({ relationship }) => relationship);
  }
}

export function marking(operation: RelationChange['operation'], offset: number): RelationChange {
  return { operation, relationship: mark('pending', offset) };
}

function startOf({ startsAt }: Relationship): number {
  return startsAt === undefined ? Number.NEGATIVE_INFINITY : Date.parse(startsAt);
}
