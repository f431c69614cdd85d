import type { SearchInput, SearchResult } from '../../contract/documents.ts';
import { missingScopes } from '../../contract/scopes.ts';
import { parseUri, SECTIONS } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { wrongCursor } from '../cursor.ts';
import type { AuditEntry, Principal, SearchArea, SearchQuery } from '../ports.ts';
import { candidateTerms, meaningOf } from '../search/meaning.ts';
import { type RankedRow, rank } from '../search/rank.ts';
import { positionOf } from './changes.ts';
import { type Computed, computedFor } from './computed.ts';
import type { Caller, ReaderParts } from './parts.ts';
import { findMember } from './people.ts';
import { type ReadableSections, readableMembers, readableSections } from './readable.ts';
import { type Result, Room, renderResult, renderSearch, resultOf, tokensOf } from './results.ts';

const LIMIT_DEFAULT = 10;
const BUDGET_DEFAULT = 1_000;
/** Candidates ranked at most; more than any member's matching facts in the shared data. */
const CANDIDATES_MAX = 2_000;
/** Over many members the newest ones: a page is ten, and each is ranked by its words. */
const PANEL_CANDIDATES_MAX = 500;

type Readable = ReadonlyMap<string, ReadableSections>;

/**
 * Search within what the caller may read: permissions first, then matching, counting, ranking.
 * A question about one member is answered from their facts, as the first result. Everything
 * that is shown, or that an answer rests on, is audited before it is answered.
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
  await parts.spend?.(principal, action === 'chat' ? 'chat' : 'search');
  const member = await findMember(parts, caller, input.member);
  const readable = await readableFor(parts, principal, member, input);
  const budget = input.budget ?? BUDGET_DEFAULT;
  const answer =
    member === undefined
      ? undefined
      : computedFor(parts, member, readable.get(member) ?? new Map(), input, budget);
  const told = new Set([answer?.uri, ...(answer?.sources ?? [])]);
  const ranked = rankAll(parts, readable, input).filter(({ row }) => !told.has(row.uri));
  const skip = input.cursor === undefined ? 0 : openCursor(parts, principal, input);
  const first = skip === 0 ? answer : undefined;
  const page = fill(parts, readable, first, ranked.slice(skip), input);
  const sources = page.results[0]?.sources ?? [];
  await parts.audit.append({
    action,
    outcome: 'success',
    ...caller,
    what: [
      ...page.results.map(({ uri, etag }) => ({ uri, etag })),
      ...sources.filter(({ uri }) => uri !== answer?.uri),
    ],
    why: 'view permissions by check',
  });
  const shown = page.results.length - (page.answered ? 1 : 0);
  const omitted = ranked.length - skip - shown;
  const found = { results: page.results, omitted, budget: { given: budget, used: 0 } };
  const used = tokensOf(renderSearch(found));
  const result = { ...found, budget: { given: budget, used } };
  if (omitted === 0 || page.results.length === 0) return result;
  const cursor = { next: skip + shown, asked: questionOf(input) };
  return { ...result, next: parts.cursors.seal('search', principal, cursor) };
}

/** One member where one is meant; else all that the caller may read. */
async function readableFor(
  parts: ReaderParts,
  principal: Principal,
  member: string | undefined,
  input: SearchInput,
): Promise<Readable> {
  const wanted = input.sections ?? SECTIONS;
  if (member === undefined) return await readableMembers(parts, principal, wanted);
  return new Map([[member, await readableSections(parts, principal, member, wanted)]]);
}

function rankAll({ view }: ReaderParts, readable: Readable, input: SearchInput): RankedRow[] {
  const meaning = meaningOf(input.query);
  const areas = [...readable]
    .filter(([, sections]) => sections.size > 0)
    .map(([id, sections]): SearchArea => ({ subject: { kind: 'member', id }, sections }));
  if (meaning.terms.length === 0 || areas.length === 0) return [];
  const query: SearchQuery = {
    terms: candidateTerms(meaning),
    areas,
    limit: areas.length === 1 ? CANDIDATES_MAX : PANEL_CANDIDATES_MAX,
    ...(input.types !== undefined && { types: input.types }),
    ...(input.since !== undefined && { since: input.since }),
  };
  const rows = view.shards().flatMap((shard) => shard.search(query));
  return rank(rows, meaning).filter(({ score }) => score > 0);
}

/** The computed answer, then ranked rows, as far as limit and budget reach. */
function fill(
  parts: ReaderParts,
  readable: Readable,
  answer: Computed | undefined,
  ranked: readonly RankedRow[],
  input: SearchInput,
): { results: Result[]; answered: boolean } {
  const room = new Room(input.budget ?? BUDGET_DEFAULT);
  const limit = input.limit ?? LIMIT_DEFAULT;
  const results: Result[] = [];
  const computed = answer && answerResult(parts, readable, answer, ranked[0]?.score ?? 0);
  const answered = computed !== undefined && room.take(renderResult(computed));
  if (answered) results.push(computed);
  for (const candidate of ranked) {
    if (results.length >= limit) break;
    const stamp = stampOf(parts, readable, candidate.row.uri);
    if (stamp === undefined) continue;
    const result = resultOf(candidate, stamp);
    if (!room.take(renderResult(result))) break;
    results.push(result);
  }
  return { results, answered };
}

function answerResult(
  parts: ReaderParts,
  readable: Readable,
  { uri, title, date, snippet, sources }: Computed,
  best: number,
): Result | undefined {
  const stamp = stampOf(parts, readable, uri);
  if (stamp === undefined) return undefined;
  const dated = date === '' ? {} : { date };
  const score = best + 1;
  const rests = sources.flatMap((one) => {
    const etag = stampOf(parts, readable, one)?.etag;
    return etag === undefined ? [] : [{ uri: one, etag }];
  });
  return { uri, ...stamp, title, kind: 'fact', ...dated, snippet, score, sources: rests };
}

/** Etag and position of what the caller may read; undefined where there is nothing for them. */
function stampOf(
  parts: ReaderParts,
  readable: Readable,
  text: string,
): { etag: string; position: string } | undefined {
  const uri = parseUri(text);
  if (uri?.kind !== 'section' && uri?.kind !== 'source') return undefined;
  const variant = readable.get(uri.member)?.get(uri.section);
  if (variant === undefined) return undefined;
  const partition = parts.view.partitionOf({ kind: 'member', id: uri.member });
  const shard = parts.view.for(partition);
  const etag = shard.etagOf(uri, variant);
  if (etag === undefined) return undefined;
  return { etag, position: positionOf(parts, { partition, offset: shard.applied(partition) }) };
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
