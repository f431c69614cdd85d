import type { Audit, AuditEntry } from './ports.ts';
import type { AuditTrail } from './reader/parts.ts';

/** What the audit says was shown for one request, as far as it has come. */
export interface Followed {
  readonly shown: readonly AuditEntry[];
  readonly ended: boolean;
  end(): void;
}

export interface Disclosures {
  /** Collects the records of a request, by its correlation id, until `end`. */
  follow(correlationId: string): Followed;
}

/**
 * An audit that remembers, of requests that are followed, what they showed: whoever tells an answer
 * a second time then knows what there is to check and to record again.
 */
export function createDisclosures(audit: Audit & AuditTrail): {
  trail: Audit & AuditTrail;
  disclosures: Disclosures;
} {
  const followed = new Map<string, AuditEntry[]>();
  return {
    trail: {
      read: (query) => audit.read(query),
      async append(entry) {
        await audit.append(entry);
        if (entry.outcome === 'success') followed.get(entry.correlationId)?.push(entry);
      },
    },
    disclosures: {
      follow(correlationId) {
        const shown: AuditEntry[] = [];
        followed.set(correlationId, shown);
        return {
          shown,
          get ended() {
            return followed.get(correlationId) !== shown;
          },
          end() {
            if (!this.ended) followed.delete(correlationId);
          },
        };
      },
    },
  };
}

/** The same of a room that has the audit: what is written by its `trail` can be followed. */
export function followed<Room extends { readonly audit: Audit & AuditTrail }>(room: Room) {
  return { ...room, ...createDisclosures(room.audit) };
}
