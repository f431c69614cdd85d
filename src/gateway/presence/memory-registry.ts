import type { RegisteredConnection, Registry, RegistryKey } from '../ports.ts';

/** Connections of one process, without Redis. */
export class MemoryRegistry implements Registry {
  readonly name = 'gateway-registry';
  readonly #keys = new Map<RegistryKey, Set<string>>();

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  add(key: RegistryKey, connection: string): Promise<void> {
    this.#keys.set(key, (this.#keys.get(key) ?? new Set()).add(connection));
    return Promise.resolve();
  }

  remove(key: RegistryKey, connection: string): Promise<void> {
    const own = this.#keys.get(key);
    own?.delete(connection);
    if (own?.size === 0) this.#keys.delete(key);
    return Promise.resolve();
  }

  connections(key: RegistryKey): Promise<readonly RegisteredConnection[]> {
    const own = [...(this.#keys.get(key) ?? [])];
    return Promise.resolve(own.map((connection) => ({ connection, instance: 'this' })));
  }
}
