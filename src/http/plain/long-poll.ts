import type { Response } from 'express';
import type { ChangesPage } from '../../contract/documents.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { HttpParts } from '../parts.ts';

type PollParts = Pick<HttpParts, 'bus' | 'reader' | 'clock' | 'report'>;

/**
 * The change feed as a long poll: answers at once when there is something, else when something
 * that the caller may know of changes, or after `waitMs`, milliseconds.
 * @throws Fault UNAUTHENTICATED when the token expires on the way.
 */
export async function changesWithin(
  parts: PollParts,
  res: Response,
  caller: Caller,
  cursor: string,
  waitMs: number,
): Promise<ChangesPage> {
  // Listening comes first, so that nothing slips in between the look and the wait.
  const news = waitMs > 0 ? listenForNews(parts, res, caller, waitMs) : undefined;
  try {
    const first = await parts.reader.changes(caller, cursor);
    const something = first.changes.length > 0 || first.reset === true;
    if (news === undefined || something || (await news.came) === 'gone') return first;
    if (caller.principal.expiresAtMs <= parts.clock.now()) throw new Fault('UNAUTHENTICATED');
    return await parts.reader.changes(caller, cursor === 'now' ? first.next : cursor);
  } finally {
    news?.stop();
  }
}

interface News {
  /** Something changed or the time is over; or the client has gone. */
  readonly came: Promise<'look' | 'gone'>;
  stop(): void;
}

function listenForNews(
  { bus, reader, clock, report }: PollParts,
  res: Response,
  { principal }: Caller,
  waitMs: number,
): News {
  const { promise: came, resolve } = Promise.withResolvers<'look' | 'gone'>();
  const look = (): void => resolve('look');
  const gone = (): void => resolve('gone');
  const timer = clock.after(Math.min(waitMs, principal.expiresAtMs - clock.now()), look);
  const unsubscribe = bus.subscribe((changes) => {
    const uris = changes.map(({ uri }) => uri);
    reader.variants(principal, uris).then((variants) => {
      if (changes.some(({ variant }, index) => variants[index] === variant)) look();
    }, report);
  });
  res.once('close', gone);
  return {
    came,
    stop() {
      timer.cancel();
      unsubscribe();
      res.off('close', gone);
    },
  };
}
