import type { Off } from './types.ts';

/** Who wants to know. One that throws keeps nobody else from hearing it, and is not kept silent. */
export class Listeners<T> {
  readonly #all = new Set<(value: T) => void>();

  add(listener: (value: T) => void): Off {
    // Wrapped, so that the same function may be there twice.
    const own = (value: T): void => listener(value);
    this.#all.add(own);
    return () => void this.#all.delete(own);
  }

  tell(value: T): void {
    for (const listener of this.#all) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  get size(): number {
    return this.#all.size;
  }
}

/** Listeners by type of event, `*` for all. */
export class ByType<T extends { readonly type: string }> {
  readonly #types = new Map<string, Listeners<T>>();

  on(type: string, handler: (event: T) => void): Off {
    const listeners = this.#types.get(type) ?? new Listeners<T>();
    this.#types.set(type, listeners);
    return listeners.add(handler);
  }

  tell(event: T): void {
    this.#types.get(event.type)?.tell(event);
    this.#types.get('*')?.tell(event);
  }
}
