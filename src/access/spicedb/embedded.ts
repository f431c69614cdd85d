import { startWorker } from '../../kernel/worker.ts';
import type { RelationChange, Relationship } from '../../twin/ports.ts';
import type {
  CheckAnswers,
  CheckQuery,
  Consistency,
  Engine,
  LookupPage,
  LookupQuery,
  Precondition,
  RelationFilter,
  WatchListener,
  WatchUpdate,
} from './engine.ts';
import { SCHEMA_TEXT } from './schema.ts';

export type EmbeddedMethods = {
  check(args: { items: readonly CheckQuery[]; consistency: Consistency }): Promise<CheckAnswers>;
  lookupResources(args: { query: LookupQuery; consistency: Consistency }): Promise<LookupPage>;
  write(args: {
    changes: readonly RelationChange[];
    preconditions: readonly Precondition[];
  }): Promise<string>;
  read(args: { filter: RelationFilter }): Promise<Relationship[]>;
  watch(args: { id: number; from?: string }): void;
  unwatch(args: { id: number }): void;
  close(args: null): void;
};

export type WatchEvent =
  | { readonly id: number; readonly update: WatchUpdate; readonly end?: never }
  | { readonly id: number; readonly end: string; readonly update?: never };

export interface EmbeddedOptions {
  readonly schema?: string;
  /** Called once when the thread has ended by itself; every call is refused then. */
  readonly onDeath?: (error: Error) => void;
}

/** SpiceDB's own code in a thread of this process: in memory, empty at every start. */
export function startEmbeddedEngine(options: EmbeddedOptions = {}): Engine {
  const { schema = SCHEMA_TEXT } = options;
  const listeners = new Map<number, WatchListener>();
  let nextWatch = 1;

  const end = (id: number, error: Error): void => {
    const listener = listeners.get(id);
    listeners.delete(id);
    listener?.onEnd(error);
  };
  const worker = startWorker<EmbeddedMethods>({
    from: import.meta.url,
    file: './embedded.worker',
    data: { schema },
    onEvent(event) {
      const { id, update, end: reason } = event as WatchEvent;
      if (update !== undefined) listeners.get(id)?.onUpdate(update);
      else end(id, new Error(reason));
    },
    onDeath(error) {
      for (const id of [...listeners.keys()]) end(id, error);
      options.onDeath?.(error);
    },
  });

  return {
    // Its library blocks: one at a time, so that a write or a heartbeat waits for one call at most.
    checksAtOnce: 1,
    check: (items, consistency) => worker.call('check', { items, consistency }),
    lookupResources: (query, consistency) => worker.call('lookupResources', { query, consistency }),
    write: (changes, preconditions = []) => worker.call('write', { changes, preconditions }),
    read: (filter) => worker.call('read', { filter }),
    watch(listener, from) {
      const id = nextWatch++;
      listeners.set(id, listener);
      worker
        .call('watch', from === undefined ? { id } : { id, from })
        .catch((error: unknown) => end(id, error as Error));
      return {
        cancel() {
          listeners.delete(id);
          worker.call('unwatch', { id }).catch(() => undefined);
        },
      };
    },
    async close() {
      await worker.call('close', null).catch(() => undefined);
      await worker.close();
    },
  };
}
