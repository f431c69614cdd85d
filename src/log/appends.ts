import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../kernel/sqlite.ts';
import { asLogFault } from './faults.ts';
import { TOPICS } from './schema.ts';
import type { SqliteState } from './sqlite-state.ts';

/** What an append touched, told after its commit. */
export interface Grown {
  readonly partitions: readonly number[];
  readonly relations: boolean;
}

export interface AppendsOptions {
  readonly db: DatabaseSync;
  readonly state: SqliteState;
  /** The next offset of a topic's partition. */
  next(topic: string, part: number): number;
  /** The next offset of each partition of the sources. */
  ends(): number[];
  /** Absent: nobody wants to know. */
  readonly onGrown: ((grown: Grown) => void) | undefined;
}

export interface Appends {
  /** One transaction, and then whoever listens is told which partitions have grown. */
  append<T>(at: number, actor: string, work: () => T): T;
  /** The result as if it were kept; then nothing of it is. */
  undone<T>(at: number, actor: string, work: () => T): T;
}

export function createAppends({ db, state, next, ends, onGrown }: AppendsOptions): Appends {
  return {
    append(at, actor, work) {
      const write = () =>
        writing(() =>
          inTransaction(db, () => {
            state.begin(at, actor);
            return work();
          }),
        );
      if (onGrown === undefined) return write();
      const before = { ends: ends(), relations: next(TOPICS.relations, 0) };
      const outcome = write();
      const partitions = ends().flatMap((end, part) => (end === before.ends[part] ? [] : [part]));
      const relations = next(TOPICS.relations, 0) !== before.relations;
      if (partitions.length > 0 || relations) onGrown({ partitions, relations });
      return outcome;
    },
    undone(at, actor, work) {
      const results: ReturnType<typeof work>[] = [];
      try {
        writing(() =>
          inTransaction(db, () => {
            state.begin(at, actor);
            results.push(work());
            throw UNDONE;
          }),
        );
      } catch (error) {
        if (error !== UNDONE) throw error;
      }
      return results[0] as ReturnType<typeof work>;
    },
  };
}

const UNDONE = new Error('undone');

/** @throws Fault LOG_UNAVAILABLE where the store cannot write */
export function writing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asLogFault(error);
  }
}
