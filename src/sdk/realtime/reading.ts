import type { Change, ChangesPage, Document } from '../../contract/documents.ts';
import type { FetchChanges } from '../changes.ts';
import type { Fetch, PlainHttp } from '../http.ts';
import { errorOfResponse, TwinError } from '../twin-error.ts';
import type { RealtimeReadOptions } from './types.ts';

const SECTION = /^mcp:\/\/twins\/(?:member|practitioner)\/[^/]+\/[^/]+$/;

/** One section over plain HTTP: the same door as by MCP. */
export async function readSection(
  fetch: Fetch,
  origin: string,
  uri: string,
  { minPosition, signal }: RealtimeReadOptions,
): Promise<Document> {
  if (!SECTION.test(uri)) {
    throw new TwinError('INVALID_ARGUMENT', { message: 'Only sections of a twin can be read so.' });
  }
  const response = await fetch(new URL(uri.replace('mcp://twins', '/v1/twins'), origin), {
    // A browser would answer by itself for as long as the answer before was good, and keep it.
    cache: 'no-store',
    ...(minPosition !== undefined && { headers: { 'min-position': minPosition } }),
    ...(signal !== undefined && { signal }),
  });
  if (!response.ok) throw await errorOfResponse(response);
  return (await response.json()) as Document;
}

export function pagesOf(http: PlainHttp): FetchChanges {
  return (cursor, wait, signal) =>
    http.get<ChangesPage>(
      '/v1/changes',
      { cursor, ...(wait > 0 && { wait: String(wait) }) },
      signal,
    );
}

/** A feed that says more than this is not read to its end: reading anew costs less. */
const PAGES_MAX = 20;

/** The newest change of each document; `undefined`: the feed cannot say. */
export async function missedSince(
  page: FetchChanges,
  uri: string | undefined,
): Promise<readonly Change[] | undefined> {
  const prefix = 'mcp://twins/changes/';
  if (uri?.startsWith(prefix) !== true) return undefined;
  const newest = new Map<string, Change>();
  let cursor = uri.slice(prefix.length);
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const { changes, next, more, reset } = await page(cursor, 0, new AbortController().signal);
    if (reset === true) return undefined;
    for (const change of changes) newest.set(change.uri, change);
    if (!more) return [...newest.values()];
    cursor = next;
  }
  return undefined;
}
