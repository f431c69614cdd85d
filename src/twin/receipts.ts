import type { Clock } from '../kernel/clock.ts';
import type { Principal } from './ports.ts';
import { principalKey } from './principals.ts';

/**
 * What a principal and client have read within 24 hours, by URI: for `changed` in tool results and
 * `no-longer-readable` in the change feed (contract "_meta keys"). Bounded, in memory, a hint only.
 */
export interface Receipts {
  note(principal: Principal, uri: string, etag: string): void;
  of(principal: Principal): ReadonlyMap<string, string>;
  forget(principal: Principal, uri: string): void;
}

const RECEIPT_TTL_MS = 24 * 3_600_000;
const PRINCIPALS_MAX = 10_000;
const URIS_MAX = 64;

interface Read {
  readonly etag: string;
  readonly at: number;
}

export function createReceipts(clock: Clock): Receipts {
  const principals = new Map<string, Map<string, Read>>();
  return {
    note(principal, uri, etag) {
      const key = principalKey(principal);
      const reads = principals.get(key) ?? new Map<string, Read>();
      principals.delete(key);
      principals.set(key, reads);
      reads.delete(uri);
      reads.set(uri, { etag, at: clock.now() });
      dropOldest(reads, URIS_MAX);
      dropOldest(principals, PRINCIPALS_MAX);
    },
    of(principal) {
      const reads = principals.get(principalKey(principal)) ?? new Map<string, Read>();
      const horizon = clock.now() - RECEIPT_TTL_MS;
      return new Map(
        [...reads].filter(([, read]) => read.at >= horizon).map(([uri, read]) => [uri, read.etag]),
      );
    },
    forget(principal, uri) {
      principals.get(principalKey(principal))?.delete(uri);
    },
  };
}

function dropOldest<V>(map: Map<string, V>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}
