import type { ObjectRef } from '../twin/ports.ts';
import type { CheckQuery } from './spicedb/engine.ts';

/** One answer of SpiceDB and the revision at which it was true. */
export interface Fact {
  readonly allowed: boolean;
  readonly revision: string;
}

export function objectKey(ref: ObjectRef): string {
  return `${ref.type}:${ref.id}`;
}

/** Ids cannot hold a NUL: no two questions share a key. */
export function questionKey(query: CheckQuery): string {
  return [objectKey(query.subject), query.permission, objectKey(query.object)].join('\u0000');
}

export interface FactCacheOptions {
  readonly entriesMax: number;
  readonly ttlMs: number;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

type Entry = { readonly fact: Fact; readonly object: ObjectRef; readonly untilMs: number };

/** Bounded; the oldest entry goes first. Entries die by object, by type, or by age. */
export class FactCache {
  readonly #options: FactCacheOptions;
  readonly #entries = new Map<string, Entry>();
  /** Object type -> object id -> keys of its entries. */
  readonly #byType = new Map<string, Map<string, Set<string>>>();

  constructor(options: FactCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(query: CheckQuery): Fact | undefined {
    const key = questionKey(query);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#options.now() < entry.untilMs) return entry.fact;
    this.#remove(key, entry);
    return undefined;
  }

  /** Whether it is time to ask again, so that what is asked often is always known. */
  ages(query: CheckQuery): boolean {
    const entry = this.#entries.get(questionKey(query));
    return entry !== undefined && this.#options.now() >= entry.untilMs - this.#options.ttlMs / 2;
  }

  /** `askedAtMs` is when the question was put: the answer cannot be younger. */
  put(query: CheckQuery, fact: Fact, askedAtMs: number): void {
    const key = questionKey(query);
    const { object } = query;
    const old = this.#entries.get(key);
    if (old !== undefined) this.#remove(key, old);
    this.#entries.set(key, { fact, object, untilMs: askedAtMs + this.#options.ttlMs });
    const ids = this.#byType.get(object.type) ?? new Map<string, Set<string>>();
    this.#byType.set(object.type, ids);
    ids.set(object.id, (ids.get(object.id) ?? new Set()).add(key));
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#options.entriesMax) break;
      this.#remove(oldest, entry);
    }
  }

  killObject(object: ObjectRef): void {
    const keys = this.#byType.get(object.type)?.get(object.id);
    for (const key of keys ?? []) this.#entries.delete(key);
    this.#byType.get(object.type)?.delete(object.id);
  }

  killType(type: string): void {
    for (const keys of this.#byType.get(type)?.values() ?? []) {
      for (const key of keys) this.#entries.delete(key);
    }
    this.#byType.delete(type);
  }

  clear(): void {
    this.#entries.clear();
    this.#byType.clear();
  }

  #remove(key: string, { object }: Entry): void {
    this.#entries.delete(key);
    const ids = this.#byType.get(object.type);
    const keys = ids?.get(object.id);
    keys?.delete(key);
    if (keys?.size === 0) ids?.delete(object.id);
  }
}
