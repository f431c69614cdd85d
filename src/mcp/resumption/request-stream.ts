import type { RequestId } from '@modelcontextprotocol/server';
import { parseUri } from '../../contract/uris.ts';
import type { Followed } from '../../twin/disclosures.ts';
import type { AccessChange, AuditEntry } from '../../twin/ports.ts';
import { endsAllOf } from '../../twin/principals.ts';
import type { Caller } from '../../twin/reader/index.ts';

/** A message that went to a request's stream, kept so that it can be told once more. */
export interface Kept {
  readonly seq: number;
  /** JSON; emptied of what it said where that may not be told any more. */
  text: string;
  /** Of `text`, as it was taken from the budget. */
  bytes: number;
  /** What it disclosed, as the audit has it. */
  shown: readonly AuditEntry[];
}

/** The answer of one POST, as events of one stream of the SDK's. */
export interface RequestStream {
  readonly id: string;
  readonly requestId: RequestId;
  /** Whose token made the request. */
  readonly caller: Caller;
  readonly followed: Followed;
  readonly kept: Kept[];
  /** Number of the newest event; the first is 0. */
  last: number;
  /** By the monotonic clock; `undefined` while there is no answer. */
  answeredAt: number | undefined;
}

/** The id of the stream is 122 random bits of the SDK's. */
const EVENT_ID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d{1,9})$/;
const STREAM_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The GET stream, whose id is no UUID, is none. */
export function isRequestStreamId(id: string): boolean {
  return STREAM_ID.test(id);
}

export function eventIdOf(streamId: string, seq: number): string {
  return `${streamId}.${seq}`;
}

export function parseEventId(text: string): { streamId: string; seq: number } | undefined {
  const [, streamId, seq] = EVENT_ID.exec(text) ?? [];
  return streamId === undefined ? undefined : { streamId, seq: Number(seq) };
}

/**
 * Another token of the principal may be for less: it fetches what was made for its own scopes and
 * purpose, or for fewer.
 */
export function mayFetch({ principal }: Caller, { caller: maker }: RequestStream): boolean {
  const { scopes, purpose } = maker.principal;
  return purpose === principal.purpose && scopes.isSubsetOf(principal.scopes);
}

/** Whether the change may concern what was shown; what names no object of its own always may. */
export function concerns(change: AccessChange, stream: RequestStream, kept: Kept): boolean {
  if (change.kind === 'token' || change.kind === 'client') {
    return endsAllOf(change, stream.caller.principal);
  }
  if (kept.shown.length === 0) return false;
  if (change.kind === 'everything') return true;
  const ids = new Set(change.objects.map(({ id }) => id));
  return kept.shown.some(({ what }) => what.some(({ uri }) => isOf(uri, ids)));
}

function isOf(text: string, ids: ReadonlySet<string>): boolean {
  const uri = parseUri(text);
  if (uri !== null && 'member' in uri) return ids.has(uri.member);
  if (uri?.kind === 'practitioner') return ids.has(uri.practitioner);
  return true;
}
