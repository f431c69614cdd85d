import type { Express, Response } from 'express';
import type { ChangesPage } from '../../contract/documents.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { principalKey } from '../../twin/principals.ts';
import { type Caller, withheldFrom } from '../../twin/reader/index.ts';
import type { PlainParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { breakGlassHeader } from './break-glass-header.ts';
import type { Guarded } from './guarded.ts';
import { listenForNews, type PollParts } from './news.ts';
import { integerOf, queryOf } from './query.ts';
import { withheldHeader } from './withheld.ts';

/** The change feed over plain HTTP: the page of the resource, and a wait for what is not there yet. */
export function changeRoutes(app: Express, parts: PlainParts, guarded: Guarded): void {
  const polls = new Map<string, number>();
  app.get(
    '/v1/changes',
    guarded('list', async (req, res, caller) => {
      const query = queryOf(req, ['cursor', 'wait']);
      const waitSeconds = integerOf('wait', query.wait, 0, LIMITS.longPollMs / 1000) ?? 0;
      const cursor = query.cursor ?? 'now';
      const leave = enter(polls, principalKey(caller.principal));
      try {
        const work = () => changesWithin(parts, res, caller, cursor, waitSeconds * 1000);
        const { result, breakGlass } = await parts.reader.withBanners(caller, work);
        sendJson(res, 200, result, {
          ...withheldHeader(withheldFrom(caller.principal)),
          ...breakGlassHeader(breakGlass),
        });
      } finally {
        leave();
      }
    }),
  );
}

/**
 * Answers at once when there is something; else when something that the caller may know of changes,
 * when something may no longer be read, when the server stops, or after `waitMs`, milliseconds. The
 * page's `next` goes on from there, so that nothing is lost between two polls.
 * @throws Fault UNAUTHENTICATED when the token ends on the way.
 */
export async function changesWithin(
  parts: PollParts,
  res: Response,
  caller: Caller,
  cursor: string,
  waitMs: number,
): Promise<ChangesPage> {
  if (waitMs === 0) return await parts.reader.changes(caller, cursor);
  // Listening comes first, so that nothing slips in between the look and the wait.
  const news = listenForNews(parts, res, caller.principal, waitMs);
  try {
    let page = await parts.reader.changes(caller, cursor);
    for (;;) {
      if (news.tokenEnded()) throw new Fault('UNAUTHENTICATED');
      if (page.changes.length > 0 || page.more || page.reset === true) return page;
      const what = await news.next();
      if (news.tokenEnded()) throw new Fault('UNAUTHENTICATED');
      if (what === 'gone') return page;
      page = await parts.reader.changes(caller, page.next);
      if (what === 'over' && !news.tokenEnded()) return page;
    }
  } finally {
    news.stop();
  }
}

/** One principal's open polls are bounded as its streams are. */
function enter(polls: Map<string, number>, key: string): () => void {
  const open = polls.get(key) ?? 0;
  if (open >= LIMITS.streamsPerPrincipalMax) throw new Fault('RATE_LIMITED');
  polls.set(key, open + 1);
  return () => {
    const left = (polls.get(key) ?? 1) - 1;
    if (left === 0) polls.delete(key);
    else polls.set(key, left);
  };
}
