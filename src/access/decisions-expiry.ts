import type { Clock, Timer } from '../kernel/clock.ts';
import type { ObjectRef, RelationChange, Relationship } from '../twin/ports.ts';
import { objectKey } from './decisions-facts.ts';
import { relationKey } from './relations-text.ts';

type Entry = { readonly relationship: Relationship; readonly atMs: number; timer: Timer };

/**
 * Relationships that end by themselves, by our own clock. Watch says nothing when one does, and
 * SpiceDB 1.54 may go on allowing. So from its instant on an entry denies what could rest on it,
 * until the relationship is seen deleted or granted anew.
 */
export class ExpiryIndex {
  readonly #clock: Clock;
  readonly #onExpired: (relationship: Relationship) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #bySubject = new Map<string, Map<string, Entry>>();

  constructor(clock: Clock, onExpired: (relationship: Relationship) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  apply({ operation, relationship }: RelationChange): void {
    const key = relationKey(relationship);
    this.#forget(key);
    if (operation === 'delete' || relationship.expiresAt === undefined) return;
    const atMs = Date.parse(relationship.expiresAt);
    const entry = { relationship, atMs, timer: this.#arm(key, atMs) };
    this.#entries.set(key, entry);
    const subject = objectKey(relationship.subject);
    const entries = this.#bySubject.get(subject) ?? new Map<string, Entry>();
    this.#bySubject.set(subject, entries.set(key, entry));
  }

  /**
   * Takes over what a fresh read found, but for the keys in `newer`, which Watch told since. Past
   * entries stay: that a read leaves them out does not prove that they are deleted.
   */
  load(found: readonly Relationship[], newer: ReadonlySet<string>): void {
    const keys = new Set(found.map(relationKey));
    for (const [key, entry] of this.#entries) {
      if (keys.has(key) || newer.has(key) || entry.atMs <= this.#clock.now()) continue;
      this.#forget(key);
    }
    for (const relationship of found) {
      if (newer.has(relationKey(relationship))) continue;
      this.apply({ operation: 'touch', relationship });
    }
  }

  /** Whether an answer for this subject on this object could rest on a relation that has ended. */
  denies(subject: ObjectRef, object: ObjectRef): boolean {
    const now = this.#clock.now();
    for (const { relationship, atMs } of this.#bySubject.get(objectKey(subject))?.values() ?? []) {
      if (atMs > now) continue;
      const { resource } = relationship;
      if (resource.type === object.type && resource.id === object.id) return true;
      if (resource.type === 'member' && object.type === 'session') return true;
    }
    return false;
  }

  /** Whether there is such a relation that ends by itself, or was until it is seen deleted. */
  has(subject: ObjectRef, relation: string, object: ObjectRef): boolean {
    const entries = this.#bySubject.get(objectKey(subject))?.values() ?? [];
    return [...entries].some(
      ({ relationship }) =>
        relationship.relation === relation &&
        objectKey(relationship.resource) === objectKey(object),
    );
  }

  hasExpired(relationship: Relationship): boolean {
    const entry = this.#entries.get(relationKey(relationship));
    return entry !== undefined && entry.atMs <= this.#clock.now();
  }

  expired(): Relationship[] {
    const entries = [...this.#entries.values()];
    return entries.map((entry) => entry.relationship).filter((one) => this.hasExpired(one));
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.timer.cancel();
  }

  #arm(key: string, atMs: number): Timer {
    return this.#clock.after(atMs - this.#clock.now(), () => {
      const entry = this.#entries.get(key);
      if (entry === undefined || entry.atMs !== atMs) return;
      // Node cuts long delays short, and timers may fire a moment early by the wall clock.
      if (this.#clock.now() < atMs) entry.timer = this.#arm(key, atMs);
      else this.#onExpired(entry.relationship);
    });
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.timer.cancel();
    this.#entries.delete(key);
    const subject = objectKey(entry.relationship.subject);
    const entries = this.#bySubject.get(subject);
    entries?.delete(key);
    if (entries?.size === 0) this.#bySubject.delete(subject);
  }
}
