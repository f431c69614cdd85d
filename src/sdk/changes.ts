import type { ChangesPage } from '../contract/documents.ts';
import { backOff } from './back-off.ts';
import { faultOf, TwinError } from './twin-error.ts';

export interface ChangesOptions {
  /** `now` (default), `start`, or the `next` of a page: kept somewhere, it goes on after a restart. */
  readonly cursor?: string;
  /**
   * How long the server may hold each request, 0 to 30,000 ms (default 30,000). 0: ends with what
   * there is, and waits for nothing.
   */
  readonly waitMs?: number;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

export type FetchChanges = (
  cursor: string,
  waitSeconds: number,
  signal: AbortSignal,
) => Promise<ChangesPage>;

const WAIT_MAX_MS = 30_000;

/**
 * Pages of the change feed that say something, one after the other, across restarts of the server:
 * a request that failed is made again from the same place, ever later.
 * @throws TwinError when the server refuses for good: token, scope or cursor.
 */
export async function* changesOf(
  fetchPage: FetchChanges,
  { cursor = 'now', waitMs = WAIT_MAX_MS, signal = new AbortController().signal }: ChangesOptions,
): AsyncGenerator<ChangesPage, void, undefined> {
  if (!(waitMs >= 0 && waitMs <= WAIT_MAX_MS)) {
    throw new TwinError('INVALID_ARGUMENT', { message: 'waitMs must be from 0 to 30,000.' });
  }
  const waitSeconds = Math.ceil(waitMs / 1000);
  const waiting = backOff(signal);
  let at = cursor;
  while (!signal.aborted) {
    // From `now` a place is taken first, so that a request that fails loses nothing.
    const page = await onePage(fetchPage, at, at === 'now' ? 0 : waitSeconds, signal);
    if (signal.aborted) return;
    if (page instanceof TwinError) {
      await waiting.pause();
      continue;
    }
    waiting.reset();
    const quiet = page.changes.length === 0 && page.reset !== true;
    at = page.next;
    if (!quiet) yield page;
    else if (waitMs === 0 && !page.more) return;
  }
}

async function onePage(
  fetchPage: FetchChanges,
  cursor: string,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<ChangesPage | TwinError> {
  try {
    return await fetchPage(cursor, waitSeconds, signal);
  } catch (thrown) {
    const error = faultOf(thrown);
    if (!signal.aborted && error.retry !== 'later') throw error;
    return error;
  }
}
