/** Whoever listens is told in turn; one that throws keeps nobody else from hearing. */
export function createListeners<T>(onTrouble: (error: unknown) => void) {
  const listeners = new Set<(told: readonly T[]) => void>();
  return {
    add(listener: (told: readonly T[]) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(told: readonly T[]): void {
      if (told.length === 0) return;
      for (const listener of listeners) {
        try {
          listener(told);
        } catch (error) {
          onTrouble(error);
        }
      }
    },
  };
}
