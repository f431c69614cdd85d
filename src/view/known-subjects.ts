import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Subject } from '../twin/ports.ts';
import { subjectKey } from '../twin/subjects.ts';

interface Known {
  /** The number that stands for the subject in the text index. */
  readonly number: number;
  readonly tenant: string;
}

const KNOWN_MAX = 100_000;

/**
 * Subjects of one file, remembered once seen: neither number nor tenant of a subject ever changes
 * in it. A search over a panel asks for each of its members several times.
 */
export class KnownSubjects {
  readonly #find: StatementSync;
  readonly #newest: StatementSync;
  readonly #known = new Map<string, Known>();

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT number, tenant FROM subjects WHERE subject = ?');
    this.#newest = db.prepare('SELECT max(number) AS number FROM subjects');
  }

  /** How many subjects there are; numbers are given out one after the other. */
  get count(): number {
    return Number(this.#newest.get()?.number ?? 0);
  }

  of(subject: Subject): Known | undefined {
    const key = subjectKey(subject);
    const seen = this.#known.get(key);
    if (seen !== undefined) return seen;
    const row = this.#find.get(key);
    if (row === undefined) return undefined;
    const known = { number: Number(row.number), tenant: String(row.tenant) };
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(key, known);
    return known;
  }
}
