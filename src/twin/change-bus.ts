import type { ChangeBus, ViewChange } from './ports.ts';

/** The change bus inside one process. A listener that throws never keeps the others from hearing. */
export function createChangeBus(onError: (error: unknown) => void): ChangeBus {
  const listeners = new Set<(changes: readonly ViewChange[]) => void>();
  return {
    publish(changes) {
      for (const listener of listeners) {
        try {
          listener(changes);
        } catch (error) {
          onError(error);
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
