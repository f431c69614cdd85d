import type { Variant } from '../../contract/documents.ts';
import type { Principal } from './access.ts';

export interface AuditEntry {
  readonly action:
    | 'read'
    | 'list'
    | 'search'
    | 'chat'
    | 'subscribe'
    | 'unsubscribe'
    | 'notify'
    | 'changes'
    | 'import'
    | 'find'
    | 'relations'
    | 'flags'
    | 'dead-letter'
    | 'replay'
    | 'snapshot'
    | 'token'
    | 'session';
  readonly outcome: 'success' | 'denied' | 'failed';
  readonly correlationId: string;
  /** Who: absent only where no token could be verified. */
  readonly principal?: Principal;
  /** For a delivery: all its receivers in one record. */
  readonly receivers?: readonly { readonly principal: Principal; readonly stream: string }[];
  /** What was shown or asked for; `uri` as given, bounded, also where it is not canonical. */
  readonly what: readonly {
    readonly uri: string;
    readonly etag?: string;
    readonly variant?: Variant;
  }[];
  /** By which permission and revision, or which rule refused. */
  readonly why: string;
  readonly bytes?: number;
}

/** @throws Fault AUDIT_UNAVAILABLE; then nothing may be shown. Resolves once fsynced. */
export interface Audit {
  append(entry: AuditEntry): Promise<void>;
}
