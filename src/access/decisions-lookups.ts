/** What a look-up found, held as shortly as any decision (design §5). */
interface Found {
  readonly ids: readonly string[];
  readonly untilMs: number;
}

export interface LookupCacheOptions {
  readonly ttlMs: number;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

const ENTRIES_MAX = 1_000;
/** Longer answers are found anew each time, so that memory stays bounded. */
const IDS_MAX = 2_000;

/**
 * Look-ups of late. Any change of relations ends all of them: which objects it adds or takes away
 * is not known without asking. A look-up that began before a change is never kept after it.
 */
export class LookupCache {
  readonly #options: LookupCacheOptions;
  readonly #found = new Map<string, Found>();
  #generation = 0;

  constructor(options: LookupCacheOptions) {
    this.#options = options;
  }

  /** To be taken before the question is put, and handed back with its answer. */
  get generation(): number {
    return this.#generation;
  }

  get(key: string): readonly string[] | undefined {
    const found = this.#found.get(key);
    if (found === undefined) return undefined;
    if (this.#options.now() < found.untilMs) return found.ids;
    this.#found.delete(key);
    return undefined;
  }

  /** Whether half of an entry's time is over: asked anew by then, it need never be waited for. */
  ages(key: string): boolean {
    const found = this.#found.get(key);
    const { now, ttlMs } = this.#options;
    return found !== undefined && now() > found.untilMs - ttlMs / 2;
  }

  put(key: string, ids: readonly string[], generation: number, askedAtMs: number): void {
    if (generation !== this.#generation || ids.length > IDS_MAX) return;
    this.#found.delete(key);
    this.#found.set(key, { ids, untilMs: askedAtMs + this.#options.ttlMs });
    const oldest = this.#found.keys().next().value;
    if (this.#found.size > ENTRIES_MAX && oldest !== undefined) this.#found.delete(oldest);
  }

  clear(): void {
    this.#generation += 1;
    this.#found.clear();
  }
}
