import type { BreakGlassBanner } from '../../contract/break-glass.ts';
import type { ChangesPage, SearchInput, SearchResult, Variant } from '../../contract/documents.ts';
import { parseUri, type TwinUri } from '../../contract/uris.ts';
import type { AuditEntry, Person, Principal, ViewChange } from '../ports.ts';
import { showAgain } from './again.ts';
import { agentsSeen, ownMembers } from './agents.ts';
import { authorizeAll, mayReadAll } from './authorize.ts';
import { bannersAround } from './break-glass.ts';
import { changedSinceRead } from './changed.ts';
import { changes, feedAfter, hasNews, isOwnCursor, lostSinceRead } from './changes.ts';
import { counted } from './counted.ts';
import { isDerived } from './derived.ts';
import { inTime } from './in-time.ts';
import { createKnownReader, type KnownReader } from './known.ts';
import { type ListPage, list } from './list.ts';
import type { Answer, Caller, ReaderParts, ReadOptions } from './parts.ts';
import { findMember, findPeople } from './people.ts';
import { read } from './read.ts';
import { search } from './search.ts';

export type { DocumentText, KnownRead } from './known.ts';
export type { ListPage } from './list.ts';
export type { Answer, Caller, ReaderParts, ReadOptions } from './parts.ts';
export { renderSearch } from './results.ts';
export { isShown, shownTo, type Withheld, withheldFrom } from './shown.ts';

/**
 * The one door: nothing reads a document except through here. MCP, plain HTTP, stdio, chat and
 * search meet the same checks, the same projection and the same audit record.
 */
export interface Reader {
  read(caller: Caller, uri: string, options?: ReadOptions): Promise<Answer>;
  readKnown: KnownReader['read'];
  list(caller: Caller, cursor?: string): Promise<ListPage>;
  search(caller: Caller, input: SearchInput, action?: AuditEntry['action']): Promise<SearchResult>;
  changes(caller: Caller, cursor: string): Promise<ChangesPage>;
  findMember(caller: Caller, text?: string): Promise<string | undefined>;
  findPeople(caller: Caller, text: string): Promise<Person[]>;
  /** Members whose trust the caller manages: their own. */
  ownMembers(caller: Caller): Promise<string[]>;
  /** When each agent last acted for the caller on these members of theirs, ISO 8601. */
  agentsSeen(caller: Caller, members: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Some work that spans members, with whose records are open to the caller's person meanwhile. */
  withBanners<T>(
    caller: Caller,
    work: () => Promise<T>,
  ): Promise<{ result: T; breakGlass: BreakGlassBanner[] }>;
  /** For subscriptions: the variant in which each URI may be read now, or `null`. */
  variants(principal: Principal, uris: readonly string[]): Promise<(Variant | null)[]>;
  /** Whether each URI may be read now, where the variant does not matter. */
  readable(principal: Principal, uris: readonly string[]): Promise<boolean[]>;
  /** Documents that the caller has read and that have another etag by now. */
  changedSinceRead(caller: Caller): Promise<{ uri: string; etag: string }[]>;
  /** Whether an answer that showed this may be told once more; then that is recorded again. */
  showAgain(caller: Caller, shown: readonly AuditEntry[]): Promise<boolean>;
  /** The etag that the caller read last of a URI. */
  readLast(caller: Caller, uri: string): string | undefined;
  /** Whether a change feed URI of this caller has something after its cursor. */
  feedHasNews(caller: Caller, uri: string): Promise<boolean>;
  /** The change feed's URI for who was told of this position last, and then missed something. */
  feedAfter(principal: Principal, position?: string): string;
  /** Whether something that the caller has read lately may no longer be read: news for the feed. */
  hasLost(principal: Principal): Promise<boolean>;
  /** What changed of these URIs within the last `withinMs`. */
  recentChanges(uris: readonly string[], withinMs: number): ViewChange[];
}

export function createReader(given: ReaderParts): Reader {
  const { audit, clock } = given;
  const trail: ReaderParts['audit'] = {
    ...inTime(audit, clock),
    read: (query) => audit.read(query),
  };
  const parts = { ...given, audit: trail };
  const known = createKnownReader(parts);
  return {
    readKnown: (caller, uri) => known.read(caller, uri),
    read: (caller, uri, options) => counted(parts, uri, read(parts, caller, uri, options)),
    list: (caller, cursor) => list(parts, caller, cursor),
    search: (caller, input, action) => search(parts, caller, input, action),
    changes: (caller, cursor) => changes(parts, caller, cursor),
    findMember: (caller, text) => findMember(parts, caller, text),
    findPeople: (caller, text) => findPeople(parts, caller, text),
    ownMembers: ({ principal }) => ownMembers(parts, principal),
    agentsSeen: ({ principal }, members) => agentsSeen(parts, principal, members),
    withBanners: ({ principal }, work) => bannersAround(parts, principal, work),
    variants: (principal, uris) => variants(parts, principal, uris),
    readable: (principal, uris) => readable(parts, principal, uris),
    changedSinceRead: (caller) => changedSinceRead(parts, caller),
    showAgain: (caller, shown) => showAgain(parts, caller, shown),
    readLast: ({ principal }, uri) => parts.receipts.of(principal).get(uri),
    feedAfter: (principal, position) => feedAfter(parts, principal, position),
    feedHasNews: (caller, uri) => feedHasNews(parts, caller, uri),
    hasLost: async (principal) => (await lostSinceRead(parts, principal)).length > 0,
    recentChanges: (uris, withinMs) =>
      parts.view
        .shards()
        .flatMap((shard) => shard.recentChanges(uris, parts.clock.now() - withinMs)),
  };
}

async function variants(
  parts: ReaderParts,
  principal: Principal,
  uris: readonly string[],
): Promise<(Variant | null)[]> {
  const asked = uris.map((text) => subscribable(parts, principal, text));
  const grants = await authorizeAll(parts, principal, asked.filter(isThere));
  const answers = grants.values();
  return asked.map((uri) => {
    const grant = uri && answers.next().value;
    return grant?.allowed === true ? grant.variant : null;
  });
}

async function readable(
  parts: ReaderParts,
  principal: Principal,
  uris: readonly string[],
): Promise<boolean[]> {
  const asked = uris.map((text) => subscribable(parts, principal, text));
  const answers = (await mayReadAll(parts, principal, asked.filter(isThere))).values();
  return asked.map((uri) => uri !== undefined && answers.next().value === true);
}

/** What somebody can be told of, if they may read it. */
function subscribable(parts: ReaderParts, principal: Principal, text: string): TwinUri | undefined {
  const uri = parseUri(text);
  if (uri === null || isDerived(uri)) return undefined;
  return uri.kind === 'changes' && !isOwnCursor(parts, principal, uri.cursor) ? undefined : uri;
}

function isThere(uri: TwinUri | undefined): uri is TwinUri {
  return uri !== undefined;
}

async function feedHasNews(parts: ReaderParts, caller: Caller, text: string): Promise<boolean> {
  const uri = parseUri(text);
  return uri?.kind === 'changes' && (await hasNews(parts, caller, uri.cursor));
}
