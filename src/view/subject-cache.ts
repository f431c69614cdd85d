import type { DatabaseSync } from 'node:sqlite';
import { subjectOf } from '../twin/subjects.ts';
import { StoredFacts } from './fact-rows.ts';
import { StoredPerson } from './person-rows.ts';
import { StoredDocuments } from './subject-documents.ts';
import { SubjectRows } from './subject-rows.ts';

/** What the view's file holds of one subject; read once, and then kept beside what is written. */
export class StoredSubject {
  readonly rows: SubjectRows;
  readonly documents: StoredDocuments;
  readonly facts: StoredFacts;
  readonly person: StoredPerson;
  /** Stands for the subject where it is projected: what did not change is not read again. */
  readonly memory = {};
  /** In the view's file. */
  number: number | undefined;

  constructor(db: DatabaseSync, subject: string) {
    this.rows = new SubjectRows(db, subject);
    this.documents = new StoredDocuments(db, subject);
    this.facts = new StoredFacts(db, subject);
    this.person = new StoredPerson(db, subjectOf(subject).id);
  }
}

/** Of the text of sources; held as objects they take some five times that. */
const CHARS_MAX = 32 * 2 ** 20;
/** Even one without sources takes some room. */
const SUBJECT_CHARS = 10_000;

/**
 * The subjects that changed last. Whatever rolls a transaction back has to forget those in it.
 */
export class SubjectCache {
  readonly #charsMax: number;
  /** The one that was asked for last is the last. */
  readonly #subjects = new Map<string, StoredSubject>();
  #chars = 0;

  constructor(charsMax = CHARS_MAX) {
    this.#charsMax = charsMax;
  }

  /** Works on one subject; what it then takes counts. */
  use<T>(db: DatabaseSync, subject: string, work: (stored: StoredSubject) => T): T {
    const stored = this.#subjects.get(subject) ?? new StoredSubject(db, subject);
    this.forget(subject);
    const result = work(stored);
    this.#subjects.set(subject, stored);
    this.#chars += sizeOf(stored);
    this.#bound();
    return result;
  }

  forget(subject: string): void {
    const stored = this.#subjects.get(subject);
    if (stored === undefined) return;
    this.#subjects.delete(subject);
    this.#chars -= sizeOf(stored);
  }

  clear(): void {
    this.#subjects.clear();
    this.#chars = 0;
  }

  #bound(): void {
    for (const subject of this.#subjects.keys()) {
      if (this.#chars <= this.#charsMax) return;
      this.forget(subject);
    }
  }
}

function sizeOf({ rows }: StoredSubject): number {
  return SUBJECT_CHARS + rows.chars;
}
