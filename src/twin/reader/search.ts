import type { SearchInput, SearchResult } from '../../contract/documents.ts';
import { missingScopes } from '../../contract/scopes.ts';
import { parseUri, SECTIONS } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { wrongCursor } from '../cursor.ts';
import type { AuditEntry, IndexRow, Principal, SearchArea, SearchQuery } from '../ports.ts';
import { type RankedRow, rank } from '../search/rank.ts';
import { termsOf } from '../search/terms.ts';
import { positionOf } from './changes.ts';
import { load } from './load.ts';
import type { Caller, ReaderParts } from './parts.ts';
import { findMember } from './people.ts';
import { type ReadableSections, readableMembers, readableSections } from './readable.ts';

const LIMIT_DEFAULT = 10;
const BUDGET_DEFAULT = 1_000;
const CHARS_PER_TOKEN = 4;
/** Candidates ranked at most; more than any member's matching facts in the shared data. */
const CANDIDATES_MAX = 2_000;
const SNIPPET_CHARS = 240;

type Result = SearchResult['results'][number];

/**
 * Search within what the caller may read: permissions first, then matching, counting, ranking.
 * Every result is audited under its member before it is answered.
 */
export async function search(
  parts: ReaderParts,
  caller: Caller,
  input: SearchInput,
  action: AuditEntry['action'] = 'search',
): Promise<SearchResult> {
  const { principal } = caller;
  const missing = missingScopes(principal.scopes, action === 'chat' ? 'chat' : 'search');
  if (missing.length > 0) throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes: missing } });
  const readable = await readableFor(parts, principal, input);
  const ranked = rankAll(parts, readable, input);
  const skip = input.cursor === undefined ? 0 : openCursor(parts, principal, input);
  const page = fitBudget(parts, readable, ranked.slice(skip), input);
  await parts.audit.append({
    action,
    outcome: 'success',
    ...caller,
    what: page.results.map(({ uri, etag }) => ({ uri, etag })),
    why: 'view permissions by check',
  });
  const omitted = ranked.length - skip - page.results.length;
  const next = skip + page.results.length;
  const budget = { given: input.budget ?? BUDGET_DEFAULT, used: page.used };
  if (omitted === 0 || page.results.length === 0) return { results: page.results, omitted, budget };
  const cursor = parts.cursors.seal('search', principal, { next, asked: questionOf(input) });
  return { results: page.results, next: cursor, omitted, budget };
}

/** One member where one is meant; else all that the caller may read. */
async function readableFor(
  parts: ReaderParts,
  principal: Principal,
  input: SearchInput,
): Promise<ReadonlyMap<string, ReadableSections>> {
  const wanted = input.sections ?? SECTIONS;
  const member = await findMember(parts, principal, input.member);
  if (member === undefined) return await readableMembers(parts, principal, wanted);
  return new Map([[member, await readableSections(parts, principal, member, wanted)]]);
}

function rankAll(
  { view }: ReaderParts,
  readable: ReadonlyMap<string, ReadableSections>,
  input: SearchInput,
): RankedRow[] {
  const terms = termsOf(input.query);
  const areas = [...readable]
    .filter(([, sections]) => sections.size > 0)
    .map(([id, sections]): SearchArea => ({ subject: { kind: 'member', id }, sections }));
  if (terms.length === 0 || areas.length === 0) return [];
  const query: SearchQuery = {
    terms,
    areas,
    limit: CANDIDATES_MAX,
    ...(input.types !== undefined && { types: input.types }),
    ...(input.since !== undefined && { since: input.since }),
  };
  const rows = view.shards().flatMap((shard) => shard.search(query));
  return rank(rows, terms).filter(({ score }) => score > 0);
}

function fitBudget(
  parts: ReaderParts,
  readable: ReadonlyMap<string, ReadableSections>,
  ranked: readonly RankedRow[],
  input: SearchInput,
): { results: Result[]; used: number } {
  const budget = input.budget ?? BUDGET_DEFAULT;
  const results: Result[] = [];
  let used = 0;
  for (const candidate of ranked) {
    if (results.length === (input.limit ?? LIMIT_DEFAULT)) break;
    const result = resultOf(parts, readable, candidate);
    if (result === undefined) continue;
    const tokens = Math.ceil(renderResult(result).length / CHARS_PER_TOKEN);
    if (used + tokens > budget) break;
    used += tokens;
    results.push(result);
  }
  return { results, used };
}

/** The text of one result for a model to read; its length is what the budget counts. */
export function renderResult({ title, date, snippet, uri }: Result): string {
  return `- ${title}${date === undefined ? '' : ` (${date})`}: ${snippet}\n  ${uri}\n`;
}

function resultOf(
  parts: ReaderParts,
  readable: ReadonlyMap<string, ReadableSections>,
  { row, score }: RankedRow,
): Result | undefined {
  const uri = parseUri(row.uri);
  const variant = readable.get(row.subject.id)?.get(row.section);
  if (uri === null || variant === undefined) return undefined;
  const loaded = load(parts.view, parts.etagKey, uri, variant);
  if (loaded === undefined) return undefined;
  const partition = parts.view.partitionOf(row.subject);
  const place = { partition, offset: parts.view.for(partition).applied(partition) };
  return {
    uri: row.uri,
    etag: loaded.etag,
    position: positionOf(parts, place),
    title: row.title,
    kind: row.kind,
    ...(row.date !== '' && { date: row.date }),
    snippet: snippetOf(row),
    score,
  };
}

function snippetOf({ text }: IndexRow): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= SNIPPET_CHARS ? line : `${line.slice(0, SNIPPET_CHARS - 1)}…`;
}

/** A cursor goes on with the same question only. */
function questionOf({ query, member, sections, types, since }: SearchInput): string {
  return JSON.stringify([query, member, sections, types, since]);
}

function openCursor(parts: ReaderParts, principal: Principal, input: SearchInput): number {
  const payload = parts.cursors.open('search', principal, input.cursor ?? '');
  if (payload === 'expired' || payload.asked !== questionOf(input)) throw wrongCursor();
  if (typeof payload.next !== 'number' || payload.next > CANDIDATES_MAX) throw wrongCursor();
  return payload.next;
}
