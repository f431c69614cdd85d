import type { AuditRow, RowAgent, RowReceiver } from '../../contract/audit/row.ts';
import { parseUri, URI_CHARS_MAX } from '../../contract/uris.ts';
import { CanonicalText, canonicalJson } from '../../kernel/json.ts';
import type { AuditEntry, Principal } from '../../twin/ports.ts';
import type { StorableRecord } from './store.ts';

/** URIs are kept as given, also where they are not canonical, up to this length. */
const URI_KEPT_CHARS = Math.max(2_100, URI_CHARS_MAX);
const WHY_KEPT_CHARS = 512;

/**
 * One compact row: who (user, client, agent that acts), what (URI with etag), why (permission,
 * purpose), outcome, correlation id. It holds opaque ids alone; never a value of a record, a token
 * or a name.
 */
export function rowOf(entry: AuditEntry, atMs: number): AuditRow {
  const { action, outcome, correlationId, principal, receivers, what, why, bytes, count } = entry;
  return {
    v: 2,
    at: new Date(atMs).toISOString(),
    action,
    outcome,
    id: correlationId,
    ...(principal && { who: agentOf(principal) }),
    ...(receivers && { to: receivers.map(receiverOf) }),
    what: what.map(({ uri, etag, variant }) => ({
      uri: uri.slice(0, URI_KEPT_CHARS),
      ...(etag !== undefined && { etag }),
      ...(variant !== undefined && { variant }),
    })),
    why: why.slice(0, WHY_KEPT_CHARS),
    ...(count !== undefined && { count }),
    ...(bytes !== undefined && { bytes }),
  };
}

export function storable(entry: AuditEntry, atMs: number): StorableRecord {
  const row = rowOf(entry, atMs);
  const members = membersOf(entry);
  const { principal } = entry;
  const text = principal === undefined ? row : { ...row, who: agentText(principal) };
  return { body: canonicalJson(text), at: atMs, members, quiet: quietOf(row) };
}

/** A principal is the same value for as long as its token is known, and it is never changed. */
const agentTexts = new WeakMap<Principal, CanonicalText>();

function agentText(principal: Principal): CanonicalText {
  const known = agentTexts.get(principal) ?? new CanonicalText(agentOf(principal));
  agentTexts.set(principal, known);
  return known;
}

/** The members that an entry is about; only what a canonical URI or a relation names. */
export function membersOf({ what }: { readonly what: readonly { uri: string }[] }): string[] {
  const members = what.flatMap(({ uri }) => {
    const [, related] = /^(?:member|right):([A-Za-z0-9][A-Za-z0-9-]{0,63})$/.exec(uri) ?? [];
    if (related !== undefined) return [related];
    const parsed = parseUri(uri);
    return parsed !== null && 'member' in parsed ? [parsed.member] : [];
  });
  return [...new Set(members)];
}

/** 0: stands in access logs; 1: once its day has closed; 2: never, it is about another row. */
export function quietOf(row: Pick<AuditRow, 'action' | 'outcome' | 'what'>): 0 | 1 | 2 {
  if (row.action === 'right') return 2;
  return isQuiet(row) ? 1 : 0;
}

/** Nothing was shown but access logs: such a row shows in them only once its day has closed. */
export function isQuiet({ outcome, what }: Pick<AuditRow, 'outcome' | 'what'>): boolean {
  return (
    outcome === 'success' &&
    what.length > 0 &&
    what.every(({ uri }) => parseUri(uri)?.kind === 'access-log')
  );
}

function agentOf(principal: Principal): RowAgent {
  const { kind, subject, clientId, actor, actors = [], tenant, issuer, tokenId } = principal;
  const { scopes, purpose } = principal;
  return {
    ...{ kind, subject, client: clientId, tenant, issuer, token: tokenId },
    ...(actor !== undefined && { actor }),
    ...(actors.length > 1 && { actors }),
    scopes: [...scopes].sort().join(' '),
    ...(purpose !== undefined && { purpose }),
  };
}

function receiverOf({
  principal,
  stream,
  told,
}: NonNullable<AuditEntry['receivers']>[number]): RowReceiver {
  return { ...agentOf(principal), stream, ...(told && { told }) };
}
